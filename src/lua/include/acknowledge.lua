-- Forgets everything in a mailbox (nil: there is none) up to a cursor. Returns
-- 1 where that is not part of its history and acknowledges nothing, else 0.
-- Needs mailbox.lua and cursor.lua.
local function acknowledge(box, cursor)
    local n = cursor_number(box, cursor)

    if not n then
        return 1
    end

    if n > 0 and n > box.done then
        remove(box, box.done + 1, n)
        settle(box)
    end

    return 0
end
