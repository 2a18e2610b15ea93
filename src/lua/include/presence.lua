-- The scores of `online` are when a GM's lease ends, in milliseconds; +inf
-- where it has none. `now` from clock().
local function is_online(score, now)
    return score and tonumber(score) > now / 1000
end
