-- The online GMs that have a friend on a host.
-- KEYS  1 prefix
-- ARGV  1 host
-- Gives {'ok', lapse, gm, ...}; lapse: milliseconds until the first of their
--       leases ends, -1 where none does by itself
-- include clock
-- include presence
-- include online_list
local reply = { 'ok' }
local gms, lapse = online_list(KEYS[1], ARGV[1])

reply[2] = lapse

for _, gm in ipairs(gms) do
    reply[#reply + 1] = gm
end

return reply
