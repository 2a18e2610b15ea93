-- A receive with acknowledgement: forgets everything up to the cursor, where
-- that is part of the mailbox's history, and gives what comes after it.
-- KEYS  1 prefix
-- ARGV  1 mailbox  2 cursor ('' or '0-0' acknowledges nothing)  3 limit
-- Gives {'ok', cursor, more, reset, receipt, entries[, idle]}; no receipt; idle:
--       1 where all in the mailbox is done with
-- Event to the receiver: what is done with; to all GMs, where there is more to
--       take of one
-- include idle
local ack, limit = ARGV[2], tonumber(ARGV[3])
local nothing = idle(ARGV[1])

if nothing and (ack == '' or ack == '0-0' or ack == nothing) then
    return { 'ok', nothing, 0, 0, '', {}, 1 }
end

-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include acknowledge
local box = mailbox(ARGV[1])
local reset = acknowledge(box, ack)

if not box then
    return { 'ok', '0-0', 0, reset, '', {}, 1 }
end

if box.done == box.n then
    return { 'ok', identify(box, box.n), 0, reset, '', {}, 1 }
end

-- also what a plain receive has in flight: nothing before the cursor that is
-- given here may be unknown to its holder

local entries = redis.call('XRANGE', box.key, '-', '+', 'COUNT', limit + 1)
local more = #entries > limit and 1 or 0

entries[limit + 1] = nil

local cursor = #entries > 0 and entries[#entries][1]
               or identify(box, box.done)

return { 'ok', cursor, more, reset, '', entries }
