-- The items of a stream's cursor, {{receiver, id, ...}, ...}, each with `n` ids
-- that may be empty; without the check at its end. nil for another form.
local function cursor_items(cursor, n)
    local items = {}
    local form = '^(%d+)' .. string.rep(':([%d-]*)', n) .. '$'

    for text in string.gmatch(cursor, '[^,]+') do
        local item = { string.match(text, form) }

        for i = 2, #item do
            if item[i] ~= '' and not string.find(item[i], '^%d+%-%d+$') then
                return nil
            end
        end

        if item[1] then
            items[#items + 1] = item

        elseif not string.find(text, '^%*%x+$') then
            return nil
        end
    end

    return items
end
