"""The chat service as it was before: a WSGI program that keeps all state in
Redis strings, sets, lists and one hash, and asks for one thing after the
other. It speaks part 1 of the wire contract, as far as the benchmark calls it.
REDIS_URL says where Redis is.
"""

import base64
import json
import os
from urllib.parse import parse_qsl

import redis

ITEM = 10           # messages that one item of a reply carries

ONLINE = 'online'
APPLIED = 'applied'             # players whose friendship nobody fetched yet
REMOVED = 'removed'             # uid: host, likewise of those that ended
TO_HOSTS = 'news:players'       # players for whom there is something
TO_GMS = 'news:gms'             # .. and from whom

store = redis.Redis.from_url(os.environ['REDIS_URL'], decode_responses=True)


class Refused(Exception):
    """A call that ends with an errno."""


def integer(params, name):
    text = params.get(name, '')
    if not text.isascii() or not text.isdigit():
        raise Refused(-1)
    return text


def encoded(value):
    text = json.dumps(value, separators=(',', ':'))
    return base64.b64encode(text.encode()).decode()


def create(params):
    gm = integer(params, 'gm_account')
    if store.get('name:' + gm) is not None:
        raise Refused(1)
    store.set('name:' + gm, params['gm_name'])
    store.sadd(ONLINE, gm)
    return {}


def add(params):
    gm, host, uid = (integer(params, name)
                     for name in ('gm_account', 'host', 'uid'))
    if store.get('name:' + gm) is None:
        raise Refused(2)
    if store.get('friend:' + uid) is not None:
        raise Refused(3)
    store.sadd('friends:' + gm, uid)
    store.sadd('players:' + host, uid)
    store.set('host:' + uid, host)
    store.set('friend:' + uid, gm)
    store.sadd(APPLIED, uid)
    store.hdel(REMOVED, uid)
    return {}


def gm_send(params):
    gm, uid = integer(params, 'gm_account'), integer(params, 'uid')
    if not store.sismember('friends:' + gm, uid):
        raise Refused(4)
    if store.get('friend:' + uid) != gm:
        raise Refused(4)
    store.lpush('to:player:' + uid, params['msg'])
    store.sadd(TO_HOSTS, uid)
    return {}


def gs_send(params):
    uid = integer(params, 'uid')
    if store.get('friend:' + uid) is None:
        raise Refused(5)
    store.lpush('from:player:' + uid, params['msg'])
    store.sadd(TO_GMS, uid)
    return {}


def popped(key):
    """Up to an item's messages, joined, or nothing."""
    count = min(store.llen(key), ITEM)
    messages = [store.rpop(key) for _ in range(count)]
    return ','.join(message for message in messages if message is not None)


def gm_receive(_params):
    data = {}
    for uid in store.smembers(TO_GMS):
        gm = store.get('friend:' + uid)
        if gm is None:
            continue
        messages = popped('from:player:' + uid)
        if messages:
            data.setdefault(gm, []).append({'uid': uid, 'msg': messages})
    return {'data': encoded(data)}


def gs_receive(params):
    host = integer(params, 'host')
    data = []
    for uid in store.smembers(TO_HOSTS):
        if store.get('host:' + uid) != host:
            continue
        messages = popped('to:player:' + uid)
        if messages:
            data.append({'uid': uid, 'msg': messages})
    return {'data': encoded(data)}


def relation(params):
    host = integer(params, 'host')
    applied, removed = {}, []
    for uid in store.smembers(APPLIED):
        if store.get('host:' + uid) == host:
            gm = store.get('friend:' + uid)
            applied[uid] = [gm, store.get('name:' + str(gm))]
            store.srem(APPLIED, uid)
    for uid in store.hkeys(REMOVED):
        if store.hget(REMOVED, uid) == host:
            removed.append(uid)
            store.hdel(REMOVED, uid)
    return {'apply_data': encoded(applied), 'remove_data': encoded(removed)}


def has_friend_on(gm, host):
    return any(store.get('host:' + uid) == host
               for uid in store.smembers('friends:' + gm))


def online(params):
    host = integer(params, 'host')
    gms = [gm for gm in store.smembers(ONLINE) if has_friend_on(gm, host)]
    return {'data': encoded(gms)}


ACTIONS = {
    ('/gm', 'create'): create,
    ('/gm', 'add'): add,
    ('/gm', 'send'): gm_send,
    ('/gm', 'receive'): gm_receive,
    ('/gs', 'send'): gs_send,
    ('/gs', 'receive'): gs_receive,
    ('/gs', 'relation'): relation,
    ('/gs', 'online'): online,
}


def application(environ, start_response):
    params = dict(parse_qsl(environ['QUERY_STRING'].replace('+', '%2B')))
    name = params.get('action', '')
    action = ACTIONS.get((environ['PATH_INFO'], name))

    if action is None:
        start_response('404 Not Found', [('Content-Type', 'text/plain')])
        return [b'Err action']

    try:
        reply = {'res': 1, **action(params)}
    except Refused as refused:
        reply = {'res': 0, 'errno': refused.args[0]}

    body = json.dumps(reply, separators=(',', ':')).encode()
    start_response('200 OK', [('Content-Type', 'application/json'),
                              ('Content-Length', str(len(body)))])
    return [body]
