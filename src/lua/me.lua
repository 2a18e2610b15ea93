-- Who acts, and what for.
-- KEYS  1 prefix
-- ARGV  1 operator, or '' where nobody is named  2 '1': an admin whatever the
--       group knows  3 bytes that a message may have
-- Gives {'ok', operator, role, gms, bytes}; gms: '7,8'
local name, admin, bytes = ARGV[1], ARGV[2], ARGV[3]
local entry = admin == '1' and 'admin '
              or name ~= '' and redis.call('HGET', KEYS[1] .. 'operators',
                                           name)
              or 'none '
local role, gms = string.match(entry, '^(%a+) (.*)$')

return { 'ok', name, role or 'none', gms or '', bytes }
