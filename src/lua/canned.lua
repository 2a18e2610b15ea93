-- The canned replies of the group, by name.
-- KEYS  1 prefix
-- Gives {'ok', name, text, operator, ts, ...}; text: base64; operator: '' where
--       nobody was named
local key = KEYS[1] .. 'canned'
local names, values = redis.call('HKEYS', key), redis.call('HVALS', key)
local by_name, reply = {}, { 'ok' }

for i, name in ipairs(names) do
    by_name[name] = values[i]
end

table.sort(names)

for _, name in ipairs(names) do
    local ts, operator, text = string.match(by_name[name],
                                            '^(%d+)\n([^\n]*)\n(.*)$')

    reply[#reply + 1] = name
    reply[#reply + 1] = text
    reply[#reply + 1] = operator
    reply[#reply + 1] = ts
end

return reply
