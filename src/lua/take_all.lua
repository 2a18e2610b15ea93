-- A plain receive of all GMs' mailboxes, the longest waiting first.
-- KEYS  1 prefix
-- ARGV  1 limit  2 patience in milliseconds
-- Gives {'ok', '', more, reset, receipt, gm, entries, gm, entries, ...}
-- include clock
-- include wake
-- include mailbox
-- include flight
local prefix = KEYS[1]
local limit, patience = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = math.floor(clock() / 1000)
local waiting = redis.call('ZRANGEBYSCORE', prefix .. 'boxes', '-inf', now,
                           'LIMIT', 0, limit + 1)
local reply, receipts, left = { 'ok', '', 0, 0, '' }, {}, limit

for i, gm in ipairs(waiting) do
    if left == 0 or i > limit then
        reply[3] = 1
        break
    end

    local box = mailbox(prefix .. 'box:g' .. gm)

    if not box or box.done == box.n then
        redis.call('ZREM', prefix .. 'boxes', gm)

    else
        local entries, more, receipt = take(box, left, now, patience)

        left = left - #entries
        reply[3] = math.max(reply[3], more)

        if #entries > 0 then
            receipts[#receipts + 1] = receipt
            reply[#reply + 1] = gm
            reply[#reply + 1] = entries
        end
    end
end

reply[5] = table.concat(receipts, ' ')

return reply
