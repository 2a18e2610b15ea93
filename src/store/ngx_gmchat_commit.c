#include "ngx_gmchat_redis.h"
#include "ngx_gmchat_sentinel.h"


/* Milliseconds between log lines on groups that are not safe. */
#define NGX_GMCHAT_COMMIT_LOG  10000


static ngx_int_t ngx_gmchat_commit_setup(ngx_gmchat_link_t *link);
static void ngx_gmchat_commit_serve(ngx_gmchat_link_t *link, ngx_uint_t back);
static ngx_int_t ngx_gmchat_commit_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
static void ngx_gmchat_commit_overdue(ngx_gmchat_link_t *link);
static void ngx_gmchat_commit_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_commit_end(ngx_gmchat_link_t *link);

static void ngx_gmchat_commit_next_handler(ngx_event_t *ev);
static void ngx_gmchat_commit_probe_handler(ngx_event_t *ev);


static const ngx_gmchat_link_handlers_t  ngx_gmchat_commit_handlers = {
    ngx_gmchat_commit_setup,
    ngx_gmchat_commit_serve,
    ngx_gmchat_commit_answer,
    NULL,
    ngx_gmchat_commit_overdue,
    ngx_gmchat_commit_lost,
    ngx_gmchat_commit_end
};


/* Opening and closing */


void
ngx_gmchat_commit_init(ngx_gmchat_redis_t *redis)
{
    ngx_gmchat_link_t    *link;
    ngx_gmchat_commit_t  *commit;

    commit = &redis->commit;
    commit->redis = redis;

    link = &commit->link;
    link->handlers = &ngx_gmchat_commit_handlers;
    link->data = commit;
    link->conf = redis->conf;
    link->access = &redis->conf->access;
    link->endpoint = &redis->endpoint;
    link->leader = &redis->link;
    link->gauge = &commit->state;
    link->cancelable = 1;
    ngx_gmchat_link_init(link, &redis->store->log);

    ngx_queue_init(&commit->early);
    ngx_queue_init(&commit->held);
    ngx_queue_init(&commit->group);

    ngx_gmchat_link_init_event(link, &commit->next,
                               ngx_gmchat_commit_next_handler, commit);
    ngx_gmchat_link_init_event(link, &commit->probe,
                               ngx_gmchat_commit_probe_handler, commit);
}


void
ngx_gmchat_commit_begin(ngx_gmchat_commit_t *commit)
{
    if (commit->redis->conf->commits) {

        /* a worker that exits waits for what calls wait for */

        commit->link.cancelable = ngx_queue_empty(&commit->early);
        ngx_gmchat_link_event(&commit->link, GMCHAT_LINK_START);
    }
}


/* Ends calls: with the replies that they were answered with, or without. */

static void
ngx_gmchat_commit_end_calls(ngx_gmchat_commit_t *commit, ngx_queue_t *calls,
    gmchat_store_outcome_e outcome)
{
    ngx_queue_t         ended;
    gmchat_value_t     *value;
    ngx_gmchat_call_t  *call;

    /* their ends may bring others */

    ngx_queue_init(&ended);
    ngx_queue_add(&ended, calls);
    ngx_queue_init(calls);

    while ((call = ngx_gmchat_store_shift(&ended)) != NULL) {
        value = call->value;
        call->value = NULL;

        ngx_gmchat_store_end_call(commit->redis->store, call, outcome,
                                  outcome == GMCHAT_STORE_REPLY ? value
                                                                : NULL);
        free(value);
    }
}


/* Nothing that was asked will be answered. */

static void
ngx_gmchat_commit_drop(ngx_gmchat_commit_t *commit)
{
    commit->nsteps = 0;

    if (commit->doubting) {
        commit->doubting = 0;
        ngx_gmchat_sentinels_calm(commit->redis->store->sentinels);
    }

    ngx_gmchat_link_stop_event(&commit->next);
    ngx_gmchat_link_stop_event(&commit->probe);

    ngx_gmchat_commit_end_calls(commit, &commit->group, GMCHAT_STORE_UNKNOWN);
    ngx_gmchat_commit_end_calls(commit, &commit->held, GMCHAT_STORE_UNKNOWN);
    ngx_gmchat_commit_end_calls(commit, &commit->early, GMCHAT_STORE_REFUSED);
}


void
ngx_gmchat_commit_rest(ngx_gmchat_commit_t *commit)
{
    ngx_gmchat_link_event(&commit->link, GMCHAT_LINK_REST);
    ngx_gmchat_commit_drop(commit);
}


ngx_uint_t
ngx_gmchat_commit_idle(ngx_gmchat_commit_t *commit)
{
    return ngx_queue_empty(&commit->early) && ngx_queue_empty(&commit->held)
           && ngx_queue_empty(&commit->group);
}


void
ngx_gmchat_commit_close(ngx_gmchat_commit_t *commit)
{
    ngx_gmchat_link_close(&commit->link);
}


/* The link */


static void
ngx_gmchat_commit_lost(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    ngx_gmchat_redis_t   *redis;
    ngx_gmchat_commit_t  *commit;

    (void) cause;

    commit = link->data;
    redis = commit->redis;

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: commits of store %V are lost: %s", &redis->label,
                  reason);

    /* the server may be a replica now, or another one: durable calls, which
     * would hear of it, do not get there any more */

    if (ngx_gmchat_redis_serves(redis)) {
        ngx_add_timer(&redis->probe, 1);
    }
}


static void
ngx_gmchat_commit_end(ngx_gmchat_link_t *link)
{
    ngx_gmchat_commit_drop(link->data);
}


static void
ngx_gmchat_commit_overdue(ngx_gmchat_link_t *link)
{
    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, "no answer in time");
}


/* What is answered is handled by `step`. */

static ngx_int_t
ngx_gmchat_commit_put(ngx_gmchat_commit_t *commit,
    ngx_gmchat_commit_step_pt step, const gmchat_str_t *words, size_t n)
{
    commit->steps[commit->nsteps++] = step;

    return ngx_gmchat_wire_put(&commit->link, words, n);
}


/* The server does not do as it should: `error` is what it said. */

static ngx_int_t
ngx_gmchat_commit_refused(ngx_gmchat_commit_t *commit,
    ngx_gmchat_cause_e cause, const gmchat_str_t *error)
{
    ngx_gmchat_link_speak(&commit->link, cause);

    ngx_log_error(NGX_LOG_ERR, &commit->link.log, 0,
                  "gmchat: store %V refused the commits: \"%*s\"",
                  &commit->redis->label, error->len, error->data);

    ngx_gmchat_link_lose(&commit->link, cause, ngx_gmchat_store_cause(cause));

    return NGX_DONE;
}


/* Asking */


static ngx_int_t
ngx_gmchat_commit_accepted(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    if (value->kind != GMCHAT_VALUE_ERROR) {
        return NGX_OK;
    }

    return ngx_gmchat_commit_refused(commit,
                                     ngx_gmchat_redis_cause_of(&value->str),
                                     &value->str);
}


/*
 * A master that was given up, and is back before all replicas were told, may
 * still have enough of them to confirm what will be lost with it.  It is no
 * longer that of the replica that was promoted: a replica that leaves is a
 * reason to ask the Sentinels, and so is each new connection.
 */

static ngx_int_t
ngx_gmchat_commit_count(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    ngx_uint_t  before;

    before = commit->copies;
    commit->copies = ngx_gmchat_redis_copies(value);

    if (commit->copies >= before || commit->redis->store->sentinels == NULL) {
        return NGX_OK;
    }

    ngx_gmchat_link_lose(&commit->link, NGX_GMCHAT_CAUSE_SWITCHED,
                         "a replica left: it may be the master now");

    return NGX_DONE;
}


/*
 * INFO replication: it is the master, and has the history that it had when the
 * scripts were run.  A server that was a replica meanwhile has another one, and
 * so has one that was started anew.
 */

static ngx_int_t
ngx_gmchat_commit_same(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    ngx_str_t            id;
    ngx_uint_t           master;
    ngx_gmchat_redis_t  *redis;

    if (value->kind == GMCHAT_VALUE_ERROR) {
        return ngx_gmchat_commit_accepted(commit, value);
    }

    redis = commit->redis;

    if (ngx_gmchat_redis_history(value, &master, &id) == NGX_OK && master
        && id.len == redis->history_len
        && ngx_memcmp(id.data, redis->history, id.len) == 0)
    {
        return ngx_gmchat_commit_count(commit, value);
    }

    ngx_gmchat_link_lose(&commit->link, NGX_GMCHAT_CAUSE_HISTORY,
                         "the server is another one, or no master any more");

    return NGX_DONE;
}


/* Whether the server has the command that groups are to wait by. */

static ngx_int_t
ngx_gmchat_commit_able(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    if (value->kind != GMCHAT_VALUE_ERROR) {
        return NGX_OK;
    }

    return ngx_gmchat_commit_refused(commit, NGX_GMCHAT_CAUSE_SETUP,
                                     &value->str);
}


static ngx_int_t
ngx_gmchat_commit_put_info(ngx_gmchat_commit_t *commit)
{
    static const gmchat_str_t  info[] = {
        gmchat_string("INFO"), gmchat_string("replication")
    };

    return ngx_gmchat_commit_put(commit, ngx_gmchat_commit_same, info, 2);
}


/* What a connection begins with, where that takes any words. */

static ngx_int_t
ngx_gmchat_commit_put_login(ngx_gmchat_commit_t *commit,
    const gmchat_str_t *words, size_t n)
{
    return n ? ngx_gmchat_commit_put(commit, ngx_gmchat_commit_accepted, words,
                                     n)
             : NGX_OK;
}


static ngx_int_t
ngx_gmchat_commit_setup(ngx_gmchat_link_t *link)
{
    size_t                n;
    u_char                db[NGX_INT_T_LEN];
    gmchat_str_t          words[3];
    ngx_gmchat_commit_t  *commit;

    /* on a new connection there is nothing to wait for */

    static const gmchat_str_t  waitaof[] = {
        gmchat_string("WAITAOF"), gmchat_string("1"), gmchat_string("0"),
        gmchat_string("1")
    };

    static const gmchat_str_t  wait[] = {
        gmchat_string("WAIT"), gmchat_string("0"), gmchat_string("1")
    };

    commit = link->data;
    commit->nsteps = 0;
    commit->step = 0;
    commit->copies = 0;

    n = ngx_gmchat_wire_auth(link, words);

    if (ngx_gmchat_commit_put_login(commit, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_gmchat_wire_select(link, words, db);

    if (ngx_gmchat_commit_put_login(commit, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_gmchat_commit_put(commit, ngx_gmchat_commit_able,
                              link->conf->fsyncs ? waitaof : wait,
                              link->conf->fsyncs ? 4 : 3)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_gmchat_commit_put_info(commit);
}


static void
ngx_gmchat_commit_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    ngx_gmchat_redis_t   *redis;
    ngx_gmchat_commit_t  *commit;

    commit = link->data;
    redis = commit->redis;

    if (back) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: commits of store %V are back", &redis->label);
    }

    if (redis->conf->probe) {
        ngx_add_timer(&commit->probe, redis->conf->probe);
    }

    ngx_queue_add(&redis->waiting, &commit->early);
    ngx_queue_init(&commit->early);
    ngx_post_event(&redis->flush, &ngx_posted_events);
}


/* Writes what was put; it has to be answered in time. */

static void
ngx_gmchat_commit_ask(ngx_gmchat_commit_t *commit, ngx_msec_t patience)
{
    ngx_gmchat_link_t  *link;

    link = &commit->link;

    link->deadline.cancelable = ngx_queue_empty(&commit->group);
    ngx_add_timer(&link->deadline, patience + link->conf->timeout);

    ngx_gmchat_wire_write(link);
}


/* An idle connection may be dead. */

static void
ngx_gmchat_commit_probe_handler(ngx_event_t *ev)
{
    ngx_gmchat_commit_t  *commit;

    commit = ev->data;

    ngx_add_timer(&commit->probe, commit->redis->conf->probe);

    if (commit->nsteps) {
        return;
    }

    if (ngx_gmchat_commit_put_info(commit) != NGX_OK) {
        ngx_gmchat_link_lose(&commit->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
        return;
    }

    ngx_gmchat_commit_ask(commit, 0);
}


/* Calls */


ngx_uint_t
ngx_gmchat_commit_defers(ngx_gmchat_commit_t *commit, ngx_gmchat_call_t *call)
{
    if (call->script.durability == NULL
        || commit->link.state == GMCHAT_LINK_READY)
    {
        return 0;
    }

    if (gmchat_link_refuses(commit->link.state)) {
        ngx_gmchat_store_refuse(commit->redis->store, call);

    } else {
        ngx_queue_insert_tail(&commit->early, &call->queue);
        commit->link.deadline.cancelable = 0;
    }

    return 1;
}


ngx_int_t
ngx_gmchat_commit_hold(ngx_gmchat_commit_t *commit, ngx_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_script_call_t  *script;

    script = &call->script;

    if (script->durability == NULL
        || (script->quiet && script->quiet(value)))
    {
        return NGX_DECLINED;
    }

    if (commit->link.state == GMCHAT_LINK_READY) {
        call->value = gmchat_value_copy(value);
    }

    if (call->value == NULL) {
        ngx_gmchat_store_end_call(commit->redis->store, call,
                                  GMCHAT_STORE_UNKNOWN, NULL);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&commit->held, &call->queue);
    ngx_post_event(&commit->next, &ngx_posted_events);

    return NGX_OK;
}


/* Takes those that want the same as the one that waits longest; returns that
 * one. */

static ngx_gmchat_call_t *
ngx_gmchat_commit_gather(ngx_gmchat_commit_t *commit)
{
    ngx_queue_t        *q, *next;
    ngx_gmchat_call_t  *call, *first;

    q = ngx_queue_head(&commit->held);
    first = ngx_queue_data(q, ngx_gmchat_call_t, queue);

    for ( /* void */ ; q != ngx_queue_sentinel(&commit->held); q = next) {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_gmchat_call_t, queue);

        if (call->script.durability == first->script.durability) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&commit->group, q);
        }
    }

    commit->durability = first->script.durability;
    commit->broken = 0;
    commit->safe = 0;

    return first;
}


/* A group: what its calls wrote was written before they were answered */


/* Says so now and then, not for each group. */

static void
ngx_gmchat_commit_log(ngx_gmchat_commit_t *commit, const gmchat_str_t *why)
{
    if (commit->told
        && ngx_current_msec - commit->logged < NGX_GMCHAT_COMMIT_LOG)
    {
        return;
    }

    commit->told = 1;
    commit->logged = ngx_current_msec;

    ngx_log_error(NGX_LOG_ERR, &commit->link.log, 0,
                  "gmchat: what store %V took is not known to be safe: %*s",
                  &commit->redis->label, why->len, why->data);
}


/* An error that concerns the group alone, as where its slot was moved. */

static ngx_int_t
ngx_gmchat_commit_wrote(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    if (value->kind != GMCHAT_VALUE_ERROR) {
        return NGX_OK;
    }

    if (gmchat_fault_find(&value->str)->cure == GMCHAT_FAULT_RECONNECT) {
        return ngx_gmchat_commit_accepted(commit, value);
    }

    commit->broken = 1;
    ngx_gmchat_commit_log(commit, &value->str);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_commit_waited(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value)
{
    int64_t  n;

    if (value->kind == GMCHAT_VALUE_ERROR) {
        return ngx_gmchat_commit_refused(commit, NGX_GMCHAT_CAUSE_SETUP,
                                         &value->str);
    }

    /* WAITAOF: the server itself, replicas */

    if (value->kind == GMCHAT_VALUE_ARRAY && value->n) {
        value = &value->items[0];
    }

    n = value->kind == GMCHAT_VALUE_INTEGER ? value->integer : 0;

    commit->safe = n >= (commit->durability->fsync
                             ? 1 : (int64_t) commit->durability->replicas);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_commit_put_wait(ngx_gmchat_commit_t *commit)
{
    size_t                      n;
    u_char                      replicas[NGX_INT_T_LEN];
    u_char                      timeout[NGX_INT_T_LEN];
    gmchat_str_t                words[4] = { gmchat_string("WAITAOF"),
                                             gmchat_string("1"),
                                             gmchat_string("0"),
                                             { 0, timeout } };
    const gmchat_durability_t  *durability;

    static const gmchat_str_t   wait = gmchat_string("WAIT");

    durability = commit->durability;
    n = 4;

    if (!durability->fsync) {
        n = 3;
        words[0] = wait;
        words[1].data = replicas;
        words[1].len = (size_t) (ngx_sprintf(replicas, "%ui",
                                             (ngx_uint_t) durability->replicas)
                                 - replicas);
        words[2] = words[3];
    }

    words[n - 1].len = (size_t) (ngx_sprintf(timeout, "%ui",
                                             (ngx_uint_t) durability->timeout)
                                 - timeout);

    return ngx_gmchat_commit_put(commit, ngx_gmchat_commit_waited, words, n);
}


/*
 * A write, in the slot of the first call, and a wait for it: by itself WAIT of
 * Redis 7.2 and newer waits for nothing here.  Then whether it is the same
 * server still.
 */

static ngx_int_t
ngx_gmchat_commit_put_group(ngx_gmchat_commit_t *commit,
    ngx_gmchat_call_t *first)
{
    gmchat_str_t  words[4] = { gmchat_string("EVAL"), { 0, NULL },
                               gmchat_string("1"), { 0, NULL } };

    static const gmchat_str_t  asking = gmchat_string("ASKING");

    words[1] = gmchat_script_find("commit")->texts[GMCHAT_SCRIPT_PLAIN].body;
    words[3] = first->script.words[0];

    if ((first->asking
         && ngx_gmchat_commit_put(commit, ngx_gmchat_commit_wrote, &asking, 1)
            != NGX_OK)
        || ngx_gmchat_commit_put(commit, ngx_gmchat_commit_wrote, words, 4)
           != NGX_OK
        || ngx_gmchat_commit_put_wait(commit) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_gmchat_commit_put_info(commit);
}


static void
ngx_gmchat_commit_next_handler(ngx_event_t *ev)
{
    ngx_gmchat_call_t    *first;
    ngx_gmchat_commit_t  *commit;

    commit = ev->data;

    if (commit->link.state != GMCHAT_LINK_READY
        || ngx_queue_empty(&commit->held))
    {
        return;
    }

    if (commit->nsteps) {

        /* a worker that exits waits for what is under way, and for them */

        commit->link.deadline.cancelable = 0;
        return;
    }

    first = ngx_gmchat_commit_gather(commit);

    if (ngx_gmchat_commit_put_group(commit, first) != NGX_OK) {
        ngx_gmchat_link_lose(&commit->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
        return;
    }

    ngx_gmchat_commit_ask(commit, commit->durability->timeout);
}


static void
ngx_gmchat_commit_short(ngx_gmchat_commit_t *commit)
{
    ngx_uint_t    n;
    ngx_queue_t  *q;

    static const gmchat_str_t  replicas =
                                   gmchat_string("too few replicas have it");
    static const gmchat_str_t  fsync = gmchat_string("it is not on the disk");

    for (n = 0, q = ngx_queue_head(&commit->group);
         q != ngx_queue_sentinel(&commit->group);
         q = ngx_queue_next(q))
    {
        n++;
    }

    (void) ngx_atomic_fetch_add(&commit->redis->counters->shorts,
                                (ngx_atomic_int_t) n);

    ngx_gmchat_commit_log(commit, commit->durability->fsync ? &fsync
                                                            : &replicas);
}


static void
ngx_gmchat_commit_decide(ngx_gmchat_commit_t *commit)
{
    gmchat_store_outcome_e  outcome;

    outcome = GMCHAT_STORE_UNKNOWN;

    if (!commit->broken && commit->safe) {
        outcome = GMCHAT_STORE_REPLY;

    } else if (!commit->broken) {
        ngx_gmchat_commit_short(commit);
    }

    ngx_gmchat_commit_end_calls(commit, &commit->group, outcome);
}


/* The set-up was answered.  Where there are Sentinels, they are asked then. */

static void
ngx_gmchat_commit_prepared(ngx_gmchat_commit_t *commit)
{
    gmchat_store_t  *store;

    store = commit->redis->store;

    if (store->sentinels == NULL) {
        ngx_gmchat_link_event(&commit->link, GMCHAT_LINK_PREPARED);
        return;
    }

    commit->doubting = 1;
    commit->link.late = "the Sentinels do not vouch for the master";

    ngx_gmchat_sentinels_doubt(store->sentinels);
}


void
ngx_gmchat_commit_vouched(ngx_gmchat_commit_t *commit)
{
    if (commit->doubting) {
        commit->doubting = 0;
        ngx_gmchat_link_event(&commit->link, GMCHAT_LINK_PREPARED);
    }
}


/* All that was asked is answered. */

static void
ngx_gmchat_commit_done(ngx_gmchat_commit_t *commit)
{
    commit->nsteps = 0;
    commit->step = 0;

    if (commit->link.state != GMCHAT_LINK_READY) {
        ngx_gmchat_commit_prepared(commit);
        return;
    }

    ngx_del_timer(&commit->link.deadline);
    commit->link.deadline.cancelable = 1;

    if (!ngx_queue_empty(&commit->group)) {
        ngx_gmchat_commit_decide(commit);
    }

    if (!ngx_queue_empty(&commit->held)) {
        ngx_post_event(&commit->next, &ngx_posted_events);
    }
}


static ngx_int_t
ngx_gmchat_commit_answer(ngx_gmchat_link_t *link, const gmchat_value_t *value)
{
    ngx_gmchat_commit_t  *commit;

    commit = link->data;

    if (commit->step == commit->nsteps) {
        return NGX_ERROR;
    }

    if (commit->steps[commit->step++](commit, value) == NGX_OK
        && commit->step == commit->nsteps)
    {
        ngx_gmchat_commit_done(commit);
    }

    return NGX_OK;
}
