-- The store's clock: microseconds since 1970, as a number below 2^53.
local function clock()
    local t = redis.call('TIME')
    return t[1] * 1000000 + t[2]
end
