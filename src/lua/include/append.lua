-- Appends an entry to a mailbox (docs/keys.md, "Mailboxes").
--   key      the mailbox's stream
--   history  the replication id of the store; another one than the
--            mailbox's begins a new epoch, so that a cursor given out by a
--            store that lost its tail never covers a new entry
--   now      from clock()
--   entries, bytes   the mailbox's caps
--   size     what this entry counts for, in bytes
--   ...      the entry's fields
-- Returns the entry's id, or nil where the mailbox is full.
local function append(key, history, now, entries, bytes, size, ...)
    local meta = key .. ':m'
    local m = redis.call('HMGET', meta, 'epoch', 'n', 'done', 'bytes',
                         'freed', 'history')
    local epoch, n, total = m[1], m[2] or 0, m[4] or '0'

    -- what was removed from between entries in flight is not yet in `done`

    if n - (m[3] or 0) >= tonumber(entries)
        and redis.call('XLEN', key) >= tonumber(entries)
        or total - (m[5] or 0) + size > tonumber(bytes)
    then
        return nil
    end

    if m[6] ~= history then
        local first = now

        if epoch then
            local past = redis.call('HGET', meta, 'past') or ''

            first = math.max(now, epoch + 1)
            redis.call('HSET', meta, 'past', past .. epoch .. ':' .. n .. ',')
        end

        epoch = string.format('%d', first)
        redis.call('HSET', meta, 'epoch', epoch, 'history', history)
    end

    n = string.format('%d', n + 1)

    local id = epoch .. '-' .. n

    redis.call('XADD', key, id, 'b', total, ...)
    redis.call('HSET', meta, 'n', n, 'bytes',
               string.format('%d', total + size))

    return id
end
