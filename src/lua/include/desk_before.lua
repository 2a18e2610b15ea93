-- Before the body of a script, where an operator is named (gmchat_script.c puts
-- the three together; gmchat_desk.c makes the last word of ARGV): who acts, and
-- whether that is allowed. All names that the body can see begin with desk_, but
-- for `redis`: through it one sees whether the body wrote.
local desk_words = {}

for word in string.gmatch(ARGV[#ARGV], '([^\n]*)\n') do
    desk_words[#desk_words + 1] = word
end

ARGV[#ARGV] = nil

local desk_operator, desk_admin, desk_right = desk_words[1], desk_words[2],
                                              desk_words[3]
local desk_receivers, desk_uid, desk_name = desk_words[4], desk_words[5],
                                            desk_words[6]
local desk_note, desk_tells = desk_words[7], desk_words[8]
local desk_prefix = KEYS[1]

local desk_redis = redis
local desk_wrote = false
local desk_reads = {
    ['EXISTS'] = 1, ['GET'] = 1, ['HEXISTS'] = 1, ['HGET'] = 1,
    ['HGETALL'] = 1, ['HKEYS'] = 1, ['HLEN'] = 1, ['HMGET'] = 1,
    ['HVALS'] = 1, ['PUBLISH'] = 1, ['TIME'] = 1, ['XLEN'] = 1,
    ['XRANGE'] = 1, ['XREVRANGE'] = 1, ['ZCARD'] = 1, ['ZRANGE'] = 1,
    ['ZRANGEBYSCORE'] = 1, ['ZSCORE'] = 1
}
local redis = setmetatable({
    call = function(command, ...)
        desk_wrote = desk_wrote or not desk_reads[command]
        return desk_redis.call(command, ...)
    end,
    pcall = function(command, ...)
        desk_wrote = desk_wrote or not desk_reads[command]
        return desk_redis.pcall(command, ...)
    end
}, { __index = desk_redis })

-- A role, and the GMs that are given to it: 'gm 7,8'.
local desk_entry = desk_admin == '1' and 'admin '
                   or desk_redis.call('HGET', desk_prefix .. 'operators',
                                      desk_operator)
                   or 'none '
local desk_role, desk_gms = string.match(desk_entry, '^(%a+) (.*)$')

local desk_asked, desk_set = false, nil

-- Whether a GM is given to it. One is looked for in the list; who asks again has
-- a set made of it, for both may be long.
local function desk_given(gm)
    if not desk_asked then
        desk_asked = true
        return string.find(',' .. desk_gms .. ',', ',' .. gm .. ',', 1, true)
               ~= nil
    end

    if not desk_set then
        desk_set = {}

        for item in string.gmatch(desk_gms, '%d+') do
            desk_set[item] = true
        end
    end

    return desk_set[gm] ~= nil
end

-- What forbids it; nil where nothing does. `desk_receivers` is a list of GMs or
-- the cursor of a stream, whose items begin with one.
local function desk_forbids()
    if desk_right == 'any' or desk_role == 'admin' then
        return nil
    end

    if desk_role ~= 'gm' and desk_role ~= 'viewer' then
        return 'no_role'
    end

    if desk_right == 'admin' then
        return 'not_admin'
    end

    if desk_role == 'viewer' then
        return desk_right ~= 'look' and 'viewer' or nil
    end

    for item in string.gmatch(desk_receivers, '[^,]+') do
        local gm = string.match(item, '^%d+')

        if gm and not desk_given(gm) then
            return 'not_given'
        end
    end

    if desk_receivers == '' and desk_uid ~= '' then
        local gm = desk_redis.call('HGET', desk_prefix .. 'player:' .. desk_uid,
                                   'gm')

        -- who has no GM is nobody's: it may be found, and no more

        if not gm then
            return desk_name ~= 'player' and 'not_given' or nil
        end

        return not desk_given(gm) and 'not_given' or nil
    end

    return nil
end
