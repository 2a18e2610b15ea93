-- Reading a mailbox (docs/keys.md, "Mailboxes").

-- What the store knows of a mailbox; nil where there is none.
--   done     n of the last entry that is done with; all up to it are gone
--   past     {{epoch, last n}, ...}: the epochs that ended, oldest first
--   flight   {{first n, last n, deadline}, ...}: what plain receives took and
--            whose delivery is not settled yet, by first n
local function mailbox(key)
    local m = redis.call('HMGET', key .. ':m', 'epoch', 'n', 'done', 'past',
                         'flight')
    if not m[1] then
        return nil
    end

    local box = { key = key, epoch = m[1], n = tonumber(m[2]),
                  done = tonumber(m[3] or 0), past = {}, flight = {} }

    for epoch, n in string.gmatch(m[4] or '', '(%d+):(%d+),') do
        table.insert(box.past, { epoch, tonumber(n) })
    end

    for first, last, deadline
        in string.gmatch(m[5] or '', '(%d+)%-(%d+)@(%d+) ')
    do
        table.insert(box.flight,
                     { tonumber(first), tonumber(last), deadline })
    end

    return box
end


-- The n of an entry's id.
local function number(id)
    return tonumber(string.match(id, '%-(%d+)$'))
end


-- The id of the entry n.
local function identify(box, n)
    local epoch = box.epoch

    for i = #box.past, 1, -1 do
        if n > box.past[i][2] then
            break
        end
        epoch = box.past[i][1]
    end

    return epoch .. '-' .. string.format('%.0f', n)
end


-- Writes back what is in flight. A mailbox's own removals are allowed when
-- the store is at its memory cap, and so is every write after one: hence the
-- HDEL ahead of the HSET, without which a full store could not be emptied.
local function keep_flight(box)
    local meta = box.key .. ':m'
    local list = {}

    table.sort(box.flight, function(a, b) return a[1] < b[1] end)

    for i, range in ipairs(box.flight) do
        list[i] = string.format('%.0f-%.0f@%s ', range[1], range[2], range[3])
    end

    redis.call('HDEL', meta, 'flight')

    if #list > 0 then
        redis.call('HSET', meta, 'flight', table.concat(list))
    end
end


-- Moves `done` to where the stream now begins, after entries were removed,
-- and takes a GM whose mailbox is empty off the list that the receive of all
-- GMs walks.
local function settle(box)
    local prefix, gm = string.match(box.key, '^(.*:)box:g(%d+)$')
    local head = redis.call('XRANGE', box.key, '-', '+', 'COUNT', 1)[1]
    local past = {}

    if head then
        box.done = number(head[1]) - 1
        redis.call('HSET', box.key .. ':m', 'done',
                   string.format('%.0f', box.done), 'freed', head[2][2])
    else
        box.done = box.n
        redis.call('HSET', box.key .. ':m', 'done',
                   string.format('%.0f', box.done), 'freed',
                   redis.call('HGET', box.key .. ':m', 'bytes'))
        if gm then
            redis.call('ZREM', prefix .. 'boxes', gm)
        end
    end

    -- the newest epochs are kept: a cursor of one may still be given back
    if #box.past > 16 then
        for i = #box.past - 15, #box.past do
            table.insert(past, box.past[i][1] .. ':'
                               .. string.format('%.0f', box.past[i][2]) .. ',')
        end
        redis.call('HSET', box.key .. ':m', 'past', table.concat(past))
    end
end


-- Up to `limit` entries from the oldest on, without those in flight; and
-- whether there are more.
local function pending(box, limit)
    local found, from = {}, box.done + 1

    local function collect(first, last)
        local left = limit + 1 - #found
        if left < 1 or (last ~= '+' and first > last) then
            return
        end
        if last ~= '+' then
            last = identify(box, last)
        end
        for _, entry in ipairs(redis.call('XRANGE', box.key,
                                          identify(box, first), last,
                                          'COUNT', left))
        do
            found[#found + 1] = entry
        end
    end

    for _, range in ipairs(box.flight) do
        collect(from, range[1] - 1)
        from = math.max(from, range[2] + 1)
    end

    collect(from, '+')

    if #found > limit then
        found[#found] = nil
        return found, 1
    end

    return found, 0
end
