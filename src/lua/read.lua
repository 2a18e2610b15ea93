-- A receive with acknowledgement: forgets everything up to the cursor, where
-- that is part of the mailbox's history, and gives what comes after it.
-- KEYS  1 prefix  2 mailbox
-- ARGV  1 cursor ('' or '0-0' acknowledges nothing)  2 limit
-- Gives {'ok', cursor, more, reset, receipt, entries}; no receipt
-- include idle
local ack, limit = ARGV[1], tonumber(ARGV[2])
local nothing = idle(KEYS[2])

if nothing and (ack == '' or ack == '0-0' or ack == nothing) then
    return { 'ok', nothing, 0, 0, '', {} }
end

-- include clock
-- include mailbox
local epoch, n = string.match(ack, '^(%d+)%-(%d+)$')
local box = mailbox(KEYS[2])
local reset = 0

n = tonumber(n or 0)

-- The last n that belongs to an epoch of this history; nil for any other.
local function last_of(wanted)
    if wanted == box.epoch then
        return box.n
    end
    for _, past in ipairs(box.past) do
        if past[1] == wanted then
            return past[2]
        end
    end
end

if not box then
    return { 'ok', '0-0', 0, n > 0 and 1 or 0, '', {} }
end

if n > 0 then
    if n > (last_of(epoch) or 0) then
        reset = 1

    elseif n > box.done then
        remove(box, box.done + 1, n)
        settle(box)
    end
end

if box.done == box.n then
    return { 'ok', identify(box, box.n), 0, reset, '', {} }
end

-- also what a plain receive has in flight: nothing before the cursor that is
-- given here may be unknown to its holder

local entries = redis.call('XRANGE', box.key, '-', '+', 'COUNT', limit + 1)
local more = #entries > limit and 1 or 0

entries[limit + 1] = nil

local cursor = #entries > 0 and entries[#entries][1]
               or identify(box, box.done)

return { 'ok', cursor, more, reset, '', entries }
