-- Who acts, and what for.
-- KEYS  1 prefix
-- ARGV  1 operator, or '' where nobody is named  2 '1': an admin whatever the
--       group knows
-- Gives {'ok', operator, role, gms}; gms: '7,8'
local name, admin = ARGV[1], ARGV[2]
local entry = admin == '1' and 'admin '
              or name ~= '' and redis.call('HGET', KEYS[1] .. 'operators',
                                           name)
              or 'none '

return { 'ok', name, string.match(entry, '^(%a+) (.*)$') }
