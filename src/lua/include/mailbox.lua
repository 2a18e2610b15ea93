-- Reading a mailbox (docs/keys.md, "Mailboxes"). Needs clock.lua and wake.lua.

-- What the store knows of a mailbox; nil where there is none.
--   done     n of the last entry that is done with; all up to it are gone
--   was      what `done` was when this was read
--   removed  set where entries were removed since
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
    box.was = box.done

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

    return epoch .. '-' .. string.format('%d', n)
end


-- Of a GM's mailbox: the prefix of all keys, and the GM.
local function owner(box)
    return string.match(box.key, '^(.*:)box:g(%d+)$')
end


-- A GM's mailbox counts what each player has in it.
local function uncount(box, first, last)
    local counts = {}

    for _, entry in ipairs(redis.call('XRANGE', box.key, first, last)) do
        local uid = entry[2][4]
        counts[uid] = (counts[uid] or 0) + 1
    end

    return counts
end


-- Wakes who waits for this mailbox: with the id up to which it is done with, or
-- (nil) to look.
local function wake_reader(box, done)
    local prefix, kind, receiver = string.match(box.key,
                                                '^(.*:)(%l+):(%l%d+)$')
    local words = kind == 'rel' and 'r' or 'm'

    wake(prefix, receiver, done and 'a ' .. words .. ' ' .. done or words)
end


-- Removes the entries from n `first` to `last`.
local function remove(box, first, last)
    local from, to = identify(box, first), identify(box, last)
    local counts = owner(box) and uncount(box, from, to) or {}

    box.removed = true

    if first <= box.done + 1 then
        redis.call('XTRIM', box.key, 'MINID', identify(box, last + 1))
        box.done = last

    else
        local ids = {}
        for n = first, last do
            ids[#ids + 1] = identify(box, n)
        end
        redis.call('XDEL', box.key, unpack(ids))
    end

    for uid, count in pairs(counts) do
        if redis.call('HINCRBY', box.key .. ':u', uid, -count) <= 0 then
            redis.call('HDEL', box.key .. ':u', uid)
        end
    end
end


-- Has the receive of all GMs look at a GM's mailbox, and wakes who waits for
-- that.
local function look_at(prefix, gm)
    local now = string.format('%d', clock() / 1000)

    redis.call('ZADD', prefix .. 'boxes', 'LT', now, gm)
    wake(prefix, 'gms', 'm')
end


-- Moves `done` to where the stream now begins, after entries were removed,
-- and takes a GM whose mailbox is empty off the list that the receive of all
-- GMs walks. Readers learn what is done with, or else that what waited for the
-- removed may be taken now.
local function settle(box)
    local prefix, gm = owner(box)
    local meta = box.key .. ':m'
    local head = redis.call('XRANGE', box.key, '-', '+', 'COUNT', 1)[1]
    local past = {}

    if head then
        box.done = number(head[1]) - 1
        redis.call('HSET', meta, 'done', string.format('%d', box.done),
                   'freed', head[2][2])
        if gm then
            look_at(prefix, gm)
        end

    else
        box.done = box.n
        redis.call('HSET', meta, 'done', string.format('%d', box.done),
                   'freed', redis.call('HGET', meta, 'bytes'))
        if gm then
            redis.call('ZREM', prefix .. 'boxes', gm)
        end
    end

    if box.done > box.was then
        wake_reader(box, identify(box, box.done))
    elseif head and box.removed then
        wake_reader(box)
    end

    -- an ended epoch is of use while entries of it remain, and the newest
    -- ones for cursors that are still to be given back

    if #box.past > 16 and box.past[1][2] <= box.done then
        for i, ended in ipairs(box.past) do
            if ended[2] > box.done or i > #box.past - 16 then
                table.insert(past, ended[1] .. ':'
                                   .. string.format('%d', ended[2]) .. ',')
            end
        end
        redis.call('HSET', meta, 'past', table.concat(past))
    end
end
