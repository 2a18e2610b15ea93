-- Plain receives: what they take stays in the mailbox, marked as in flight,
-- until the bridge settles it: `landed` (written to the client's connection)
-- or `returned` (it could not be). Where nothing is heard, the deadline
-- returns it. Others may take what is behind it meanwhile: receives that
-- overlap share what is there. Needs mailbox.lua.

-- Forgets what is past its deadline. `now` in milliseconds.
local function expire_flight(box, now)
    for i = #box.flight, 1, -1 do
        if tonumber(box.flight[i][3]) <= now then
            table.remove(box.flight, i)
        end
    end
end


-- Nothing is left to take from a GM's mailbox before a deadline: the receive
-- of all GMs need not look there until the first is over. append()'s caller
-- calls it back.
local function rest(box, deadline)
    local prefix, gm = string.match(box.key, '^(.*:)box:g(%d+)$')
    if not gm or #box.flight == 0 then
        return
    end

    for _, range in ipairs(box.flight) do
        deadline = math.min(deadline, range[3])
    end

    redis.call('ZADD', prefix .. 'boxes', 'XX',
               string.format('%.0f', deadline), gm)
end


-- Takes up to `limit` entries. Returns them, whether there are more, and the
-- receipt by which they are settled: '<key> <first>-<last>@<deadline> ...'.
local function take(box, limit, now, patience)
    expire_flight(box, now)

    local entries, more = pending(box, limit)
    local deadline = string.format('%.0f', now + patience)
    local ranges, receipt = {}, { box.key }

    for _, entry in ipairs(entries) do
        local n, range = number(entry[1]), ranges[#ranges]
        if range and range[2] == n - 1 then
            range[2] = n
        else
            ranges[#ranges + 1] = { n, n, deadline }
        end
    end

    for _, range in ipairs(ranges) do
        table.insert(box.flight, range)
        table.insert(receipt, string.format('%.0f-%.0f@%s', range[1],
                                            range[2], deadline))
    end

    if #ranges > 0 then
        keep_flight(box)
    end

    if more == 0 then
        rest(box, deadline)
    end

    if #ranges == 0 then
        return entries, more, ''
    end

    return entries, more, table.concat(receipt, ' ')
end


-- Takes the ranges of a receipt out of flight. Calls each(box, first, last)
-- for a range that was still in flight, then done(box) for each mailbox.
local function settle_receipt(receipt, each, done)
    local box, known

    for word in string.gmatch(receipt, '%S+') do
        local first, last, deadline =
            string.match(word, '^(%d+)%-(%d+)@(%d+)$')

        if not first then
            if box then
                keep_flight(box)
                done(box)
            end
            box = mailbox(word)

        elseif box then
            first, last = tonumber(first), tonumber(last)
            known = false

            for i = #box.flight, 1, -1 do
                local range = box.flight[i]
                if range[1] == first and range[2] == last
                    and range[3] == deadline
                then
                    table.remove(box.flight, i)
                    known = true
                end
            end

            if known then
                each(box, first, last)
            end
        end
    end

    if box then
        keep_flight(box)
        done(box)
    end
end
