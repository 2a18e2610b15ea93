-- The store's clock: microseconds since 1970, as a number below 2^53. As an
-- argument of a command a number is exact (Redis writes 17 digits); joined to
-- a string it is so below 10^14: an epoch is formatted.
local function clock()
    local t = redis.call('TIME')
    return t[1] * 1000000 + t[2]
end
