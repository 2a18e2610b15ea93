-- The game server's side of the chat as a skynet service:
--
--     local chat = skynet.newservice("service", "127.0.0.1:8080", "1001")
--     skynet.send(chat, "lua", "write", uid, text)      -- a player writes
--
-- luaservice of skynet's configuration finds this file, lua_path finds
-- game_server.lua. cjson is https://github.com/cloudwu/lua-cjson.

local skynet = require "skynet"
local httpc = require "http.httpc"
local cjson = require "cjson"
local GameServer = require "game_server"

local bridge, host = ...

-- In 1/100 s. It is one for all requests of a service, and must not cut a poll.
httpc.timeout = (GameServer.WAIT + GameServer.LATE) * 100

local server = GameServer.new {
    request = httpc.request,
    fork = skynet.fork,
    sleep = function(seconds) skynet.sleep(math.ceil(seconds * 100)) end,
    now = skynet.time,
    json = cjson,
    bridge = bridge,
    host = host,

    -- Here it goes to the player's agent.
    on_event = function(event, data)
        skynet.error(event, cjson.encode(data))
    end,
}

skynet.start(function()
    skynet.dispatch("lua", function(_, _, command, uid, text)
        assert(command == "write", command)
        server:write(uid, text)
    end)
    server:start()
end)
