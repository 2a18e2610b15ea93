-- 1 where a host has not been heard of for `silence` milliseconds, else 0.
-- `polled` is what it has in `hosts`, if anything. `now` from clock().
local function is_silent(polled, now, silence)
    polled = tonumber(polled or 0)

    return (polled == 0 or now / 1000 - polled >= tonumber(silence))
           and 1 or 0
end
