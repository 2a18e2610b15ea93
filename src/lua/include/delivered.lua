-- Whether the receiver of a message is done with it: 1, or 0; -1 where its
-- mailbox (nil: there is none) knows nothing of that id. Needs mailbox.lua and
-- cursor.lua.
local function delivered(box, id)
    local n = box and cursor_number(box, id)

    if not n then
        return -1
    end

    if n <= box.done then
        return 1
    end

    -- behind that, plain receives may have made gaps

    if box.gaps == nil then
        box.gaps = redis.call('XLEN', box.key) < box.n - box.done
    end

    return box.gaps and #redis.call('XRANGE', box.key, id, id) == 0 and 1 or 0
end
