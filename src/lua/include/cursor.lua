-- The n of a cursor that is part of a mailbox's history, nil of any other. One
-- that covers nothing ('', '0-0', '<epoch>-0') is part of each; of no mailbox
-- (`box` nil) only such is. Needs mailbox.lua.
local function cursor_number(box, cursor)
    local epoch, n = string.match(cursor, '^(%d+)%-(%d+)$')
    local last

    n = tonumber(n or 0)

    if n == 0 or not box then
        return n == 0 and 0 or nil
    end

    if epoch == box.epoch then
        last = box.n
    end

    for _, past in ipairs(box.past) do
        if past[1] == epoch then
            last = past[2]
        end
    end

    return last and n <= last and n or nil
end
