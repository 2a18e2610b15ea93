-- The bridge's calls by ngx_http_lua: the same scripts in Redis, with the same
-- arguments, over cosockets that a pool keeps open. settings.lua says where
-- Redis is and what the scripts are told that no client says.

local redis = require "nginx.redis"
local settings = require "settings"

local concat = table.concat
local find = string.find
local get_args = ngx.req.get_uri_args
local encode = ngx.encode_base64
local print = ngx.print
local unpack = unpack

local TIMEOUT = 2000            -- ms
local POOL, KEEP = 64, 60000    -- connections, ms

local _M = {}
local sources, shas = {}, {}


-- Reads the scripts; before the workers are forked.
function _M.init(folder)
    for _, name in ipairs { "gm_send", "take", "landed" } do
        local file = assert(io.open(folder .. "/" .. name .. ".redis.lua"))
        sources[name] = file:read("*a")
        file:close()
        shas[name] = (ngx.sha1_bin(sources[name]):gsub(".", function (byte)
            return string.format("%02x", byte:byte())
        end))
    end

    for name, sha in pairs(settings.sha) do
        assert(shas[name] == sha, name .. " is not the script of the bridge")
    end
end


-- One script's reply, or nil and what is wrong.
local function call(name, ...)
    local link = redis:new()
    link:set_timeout(TIMEOUT)

    local ok, err = link:connect(unpack(settings.redis))
    if not ok then
        return nil, err
    end

    local reply
    reply, err = link:evalsha(shas[name], 1, settings.prefix, ...)
    if not reply and err and find(err, "NOSCRIPT", 1, true) then
        reply, err = link:eval(sources[name], 1, settings.prefix, ...)
    end

    if reply then
        link:set_keepalive(KEEP, POOL)
    else
        link:close()
    end

    return reply, err
end


local function answer(body)
    local header = ngx.header
    header["Content-Type"] = "application/json; charset=utf-8"
    header["Content-Length"] = #body
    header["Cache-Control"] = "no-store"
    header["X-Content-Type-Options"] = "nosniff"
    print(body)
end


local function refuse(status, errno, text)
    ngx.status = status
    answer(concat { '{"res":0,"errno":', errno, ',"error":"', text, '"}' })
end


local function is_integer(text)
    return type(text) == "string" and #text <= 19
           and find(text, "^%d+$") and true
end


local function send(args)
    local gm, uid, msg = args.gm_account, args.uid, args.msg
    if not (is_integer(gm) and is_integer(uid)) then
        return refuse(200, -1, "gm_account and uid must be integers")
    end
    if type(msg) ~= "string" or not find(msg, "^[%w+/]+=?=?$")
       or #msg % 4 ~= 0 or #msg > 5464 then
        return refuse(400, -3, "msg must be base64")
    end

    local reply, err = call("gm_send", gm, uid, msg, args.msgid or "",
                            unpack(settings.send))
    if not reply then
        ngx.log(ngx.ERR, "send: ", err)
        return refuse(503, -5, "the store cannot be reached")
    end

    if reply[1] == "not_friend" then
        return refuse(200, 4, "the player is not this GM's friend")
    elseif reply[1] ~= "ok" then
        return refuse(429, -4, "the mailbox is full")
    end

    answer(concat { '{"res":1,"id":"', reply[2],
                    reply[4] == 1 and '","host_silent":true}' or '"}' })
end


-- Entries are { id, { name, value, ... } }; up to ten of one player that follow
-- each other share an item.
local function items(entries)
    local parts, n, last, count = { "[" }, 1, nil, 0

    for i = 1, #entries do
        local fields, uid, msg = entries[i][2], nil, nil
        for k = 1, #fields, 2 do
            if fields[k] == "u" then
                uid = fields[k + 1]
            elseif fields[k] == "m" then
                msg = fields[k + 1]
            end
        end

        if uid == last and count < 10 then
            parts[n + 1], parts[n + 2] = ",", msg
            n, count = n + 2, count + 1
        else
            parts[n + 1] = last and '"},{"uid":"' or '{"uid":"'
            parts[n + 2], parts[n + 3], parts[n + 4] = uid, '","msg":"', msg
            n, last, count = n + 4, uid, 1
        end
    end

    parts[n + 1] = last and '"}]' or "]"

    return concat(parts)
end


-- What was taken is settled behind the reply.
local function receive(args)
    local host = args.host
    if not is_integer(host) then
        return refuse(200, -1, "host must be an integer")
    end

    local reply, err = call("take", settings.prefix .. "box:h" .. host,
                            unpack(settings.take))
    if not reply then
        ngx.log(ngx.ERR, "receive: ", err)
        return refuse(503, -5, "the store cannot be reached")
    end

    answer(concat { '{"res":1,"data":"', encode(items(reply[6])),
                    '","cursor":"', reply[2], '","more":',
                    reply[3] == 1 and "true}" or "false}" })

    if reply[5] ~= "" and ngx.eof() then
        reply, err = call("landed", reply[5])
        if not reply then
            ngx.log(ngx.ERR, "receive: ", err)
        end
    end
end


local function no_action()
    ngx.status = 404
    ngx.header["Content-Type"] = "text/plain"
    print("Err action")
end


local actions = { gm = { send = send }, gs = { receive = receive } }

local function serve(endpoint)
    local args = get_args()

    return (actions[endpoint][args.action] or no_action)(args)
end


function _M.gm()
    return serve("gm")
end


function _M.gs()
    return serve("gs")
end


return _M
