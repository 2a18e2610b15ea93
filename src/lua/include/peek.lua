-- What a mailbox holds after a cursor ('': after what is done with), up to
-- `limit` entries, for a reader that neither takes nor acknowledges. Returns
-- {reset, done, position, entries}, and 1 where there are more, else 0.
--   reset      1 where the cursor is not part of the mailbox's history, or what
--              came after it is gone in part: then it begins at `done`
--   done       the id of the last entry that is done with
--   position   the id after which `entries` begin
-- Needs mailbox.lua and cursor.lua.
local function peek(key, cursor, limit)
    local box = mailbox(key)
    local n = cursor_number(box, cursor)
    local reset = 0

    if not box then
        return { n and 0 or 1, '0-0', '0-0', {} }, 0
    end

    if not n or n < box.done then
        n = box.done
        reset = cursor == '' and 0 or 1
    end

    local part = { reset, identify(box, box.done), identify(box, n), {} }

    if n == box.n then
        return part, 0
    end

    local entries = redis.call('XRANGE', key, '(' .. part[3], '+', 'COUNT',
                               limit + 1)
    local more = #entries > limit and 1 or 0

    entries[limit + 1] = nil
    part[4] = entries

    return part, more
end
