-- Whether `add` may go on to ask the role service: what it would be refused
-- for anyway comes first. Reads only.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 host  3 uid
-- Gives {'ok'} | {'no_gm'} | {'has_gm'}
local prefix = KEYS[1]
local gm, uid = ARGV[1], ARGV[3]

if redis.call('EXISTS', prefix .. 'gm:' .. gm) == 0 then
    return { 'no_gm' }
end

if redis.call('EXISTS', prefix .. 'player:' .. uid) == 1 then
    return { 'has_gm' }
end

return { 'ok' }
