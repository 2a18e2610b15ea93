-- Plain receives: what they take stays in the mailbox, marked as in flight,
-- until the bridge settles it: `landed` (written to the client's connection)
-- or `returned` (it could not be). Where nothing is heard, the deadline
-- returns it. Needs mailbox.lua.

-- Writes back what is in flight. A mailbox's own removals are allowed when
-- the store is at its memory cap, and so is every write after one: hence the
-- HDEL ahead of the HSET, without which a full store could not be emptied.
local function keep_flight(box)
    local meta = box.key .. ':m'
    local list = {}

    table.sort(box.flight, function(a, b) return a[1] < b[1] end)

    for i, range in ipairs(box.flight) do
        list[i] = string.format('%d-%d@%s ', range[1], range[2], range[3])
    end

    redis.call('HDEL', meta, 'flight')

    if #list > 0 then
        redis.call('HSET', meta, 'flight', table.concat(list))
    end
end


-- Forgets what is past its deadline. `now` in milliseconds.
local function expire_flight(box, now)
    for i = #box.flight, 1, -1 do
        if tonumber(box.flight[i][3]) <= now then
            table.remove(box.flight, i)
        end
    end
end


-- The players that have an entry in flight: what came after it waits until it
-- is settled, so that nobody's messages overtake each other.
local function held(box)
    local players = {}

    for _, range in ipairs(box.flight) do
        for _, entry in ipairs(redis.call('XRANGE', box.key,
                                          identify(box, range[1]),
                                          identify(box, range[2])))
        do
            players[entry[2][4]] = true
        end
    end

    return players
end


-- Adds to `found`, up to `limit`, the entries from first to last of players
-- that are not held.
local function collect(box, found, limit, first, last, players)
    while #found < limit and first <= last do
        local page = redis.call('XRANGE', box.key, identify(box, first),
                                identify(box, last), 'COUNT', limit - #found)
        if #page == 0 then
            return
        end

        for _, entry in ipairs(page) do
            if not players[entry[2][4]] then
                found[#found + 1] = entry
            end
        end

        first = number(page[#page][1]) + 1
    end
end


-- Up to `limit` entries from the oldest on, without those in flight and what
-- they hold; and whether there are more.
local function takeable(box, limit)
    local found, from, players = {}, box.done + 1, held(box)

    for _, range in ipairs(box.flight) do
        collect(box, found, limit + 1, from, range[1] - 1, players)
        from = math.max(from, range[2] + 1)
    end

    collect(box, found, limit + 1, from, box.n, players)

    if #found > limit then
        found[#found] = nil
        return found, 1
    end

    return found, 0
end


-- When the receive of all GMs is to look here again: after the others if more
-- is to be taken, else when the first deadline is over. append()'s caller
-- calls it back before that.
local function reschedule(box, now, more)
    local prefix, gm = owner(box)
    local next_look = now

    if not gm then
        return
    end

    if more == 0 then
        next_look = box.flight[1][3]
        for _, range in ipairs(box.flight) do
            next_look = math.min(next_look, range[3])
        end
    end

    redis.call('ZADD', prefix .. 'boxes', 'XX',
               string.format('%d', next_look), gm)
end


-- Takes up to `limit` entries. Returns them, whether there are more, the
-- receipt by which they are settled, '<key> <first>-<last>@<deadline> ...', and
-- the cursor: it covers nothing that was not given here.
local function take(box, limit, now, patience)
    expire_flight(box, now)

    local entries, more = takeable(box, limit)
    local deadline = string.format('%d', now + patience)
    local ranges, receipt = {}, { box.key }

    if #entries == 0 then
        if owner(box) and #box.flight > 0 then
            keep_flight(box)
            reschedule(box, now, 0)
        end
        return entries, more, '', identify(box, box.done)
    end

    for _, entry in ipairs(entries) do
        local n, range = number(entry[1]), ranges[#ranges]
        if range and range[2] == n - 1 then
            range[2] = n
        else
            ranges[#ranges + 1] = { n, n, deadline }
        end
    end

    local covered = box.done

    for _, range in ipairs(ranges) do
        if range[1] == covered + 1 then
            covered = range[2]
        end

        table.insert(box.flight, range)
        table.insert(receipt, string.format('%d-%d@%s', range[1],
                                            range[2], deadline))
    end

    keep_flight(box)
    reschedule(box, now, more)

    return entries, more, table.concat(receipt, ' '), identify(box, covered)
end


-- Takes a range of a receipt out of flight. Returns the first n of it that is
-- still there (an ack may have removed some), or nil if it is not in flight.
local function unfly(box, last, deadline)
    for i, range in ipairs(box.flight) do
        if range[2] == last and range[3] == deadline then
            table.remove(box.flight, i)
            return range[1]
        end
    end
end


-- Takes the ranges of a receipt out of flight. Calls each(box, first, last)
-- for a range that was still in flight, then done(box) for each mailbox.
local function settle_receipt(receipt, each, done)
    local box

    local function finish()
        if box then
            keep_flight(box)
            done(box)
        end
    end

    for word in string.gmatch(receipt, '%S+') do
        local last, deadline = string.match(word, '^%d+%-(%d+)@(%d+)$')

        if not last then
            finish()
            box = mailbox(word)

        elseif box then
            local first = unfly(box, tonumber(last), deadline)
            if first then
                each(box, first, tonumber(last))
            end
        end
    end

    finish()
end
