#include "ngx_http_gmchat_event.h"
#include "ngx_http_gmchat_watch.h"


/*
 * The rights of a stream's operator.  The store is asked as it was when the
 * stream was opened: on the stream's beat, when an operator of the group is
 * changed, and for receivers that somebody else orders.  A store that is away
 * changes nothing: it has nothing to tell the stream either.
 */

typedef struct {
    ngx_queue_t                 queue;      /* of the stream's */
    ngx_http_gmchat_stream_t   *stream;     /* NULL: it is gone */
    gmchat_arena_t              arena;
    gmchat_script_call_t        script;
    gmchat_args_t               args;
    unsigned                    adds:1;     /* for receivers to be added */
} ngx_http_gmchat_check_t;


static void
ngx_http_gmchat_rights_free(ngx_http_gmchat_check_t *check)
{
    if (check->stream) {
        ngx_queue_remove(&check->queue);
    }

    gmchat_arena_free(&check->arena);
    ngx_free(check);
}


static void
ngx_http_gmchat_rights_gone(ngx_http_gmchat_stream_t *stream)
{
    if (stream->code != NGX_HTTP_GMCHAT_CLOSE_NONE) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, stream->connection->log, 0,
                  "gmchat: operator \"%*s\" has no right to its stream any "
                  "more", stream->operator.len, stream->operator.data);

    ngx_http_gmchat_event_forbidden(stream);
    ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_RIGHTS);
}


static void
ngx_http_gmchat_rights_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    gmchat_status_e            status;
    ngx_http_gmchat_check_t   *check;
    ngx_http_gmchat_stream_t  *stream;

    check = data;
    stream = check->stream;

    if (stream == NULL) {
        ngx_http_gmchat_rights_free(check);
        return;
    }

    status = outcome == GMCHAT_STORE_REPLY ? gmchat_reply_status(value)
                                           : GMCHAT_UNAVAILABLE;

    if (status == GMCHAT_OK) {
        if (check->adds) {
            ngx_http_gmchat_stream_apply(stream, '+',
                ngx_http_gmchat_stream_receivers(stream, &check->args));
        }

    } else if (check->adds) {
        ngx_log_error(NGX_LOG_WARN, stream->connection->log, 0,
                      "gmchat: receivers that were ordered for a stream are "
                      "left out: %s", gmchat_status_row(status)->error);

    } else if (gmchat_status_row(status)->http == NGX_HTTP_FORBIDDEN) {
        ngx_http_gmchat_rights_gone(stream);
    }

    ngx_http_gmchat_rights_free(check);
}


static void
ngx_http_gmchat_rights_receiver(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *id, void *data)
{
    gmchat_buf_t  *list = data;

    (void) stream;

    if (list->len) {
        gmchat_buf_add_text(list, ",");
    }

    gmchat_buf_add(list, id->data, id->len);
}


/* What the call that opened the stream would be for these receivers. */

static ngx_int_t
ngx_http_gmchat_rights_args(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list, gmchat_args_t *args, gmchat_arena_t *arena)
{
    gmchat_buf_t   all;
    gmchat_str_t  *to;

    ngx_memzero(&all, sizeof(gmchat_buf_t));

    if (list) {
        gmchat_buf_add(&all, list->data, list->len);

    } else {
        ngx_http_gmchat_watch_each(stream, ngx_http_gmchat_rights_receiver,
                                   &all);
    }

    to = ngx_http_gmchat_stream_receivers(stream, args);
    to->len = all.len;
    to->data = all.failed ? NULL : gmchat_arena_copy(arena, all.data, all.len);
    gmchat_buf_free(&all);

    if (stream->online) {
        args->values[GMCHAT_P_ONLINE].data = (u_char *) "1";
        args->values[GMCHAT_P_ONLINE].len = 1;
    }

    return to->data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_gmchat_rights_sign(ngx_http_gmchat_stream_t *stream,
    gmchat_script_call_t *script, const gmchat_str_t *list,
    gmchat_args_t *args, gmchat_note_e note, gmchat_arena_t *arena)
{
    gmchat_desk_t  desk;

    if (ngx_http_gmchat_rights_args(stream, list, args, arena) != NGX_OK) {
        return NGX_ERROR;
    }

    desk.operator = stream->operator;
    desk.address = stream->address;
    desk.audit = stream->conf->audit;
    desk.admin = ngx_http_gmchat_operator_admin(stream->conf,
                                                &stream->operator);

    return gmchat_desk_sign(script, &desk, stream->action, args, note, arena)
           == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_gmchat_rights_script(ngx_http_gmchat_check_t *check,
    const gmchat_str_t *list)
{
    u_char                    *prefix;
    ngx_http_gmchat_stream_t  *stream;

    stream = check->stream;

    prefix = gmchat_arena_copy(&check->arena, stream->prefix.data,
                               stream->prefix.len);
    if (prefix == NULL) {
        return NGX_ERROR;
    }

    check->script.script = "answer";
    check->script.n = 2;
    check->script.words[0].data = prefix;
    check->script.words[0].len = stream->prefix.len;
    check->script.words[1].data = (u_char *) "ok";
    check->script.words[1].len = 2;

    return ngx_http_gmchat_rights_sign(stream, &check->script, list,
                                       &check->args, GMCHAT_NOTE_NONE,
                                       &check->arena);
}


void
ngx_http_gmchat_rights_check(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list)
{
    ngx_http_gmchat_check_t  *check;

    check = ngx_calloc(sizeof(ngx_http_gmchat_check_t), ngx_cycle->log);
    if (check == NULL) {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    check->stream = stream;
    check->adds = list != NULL;
    ngx_queue_insert_tail(&stream->checks, &check->queue);

    if (ngx_http_gmchat_rights_script(check, list) != NGX_OK
        || gmchat_store_submit(stream->conf->store->link, &check->script,
                               ngx_http_gmchat_rights_done, check)
           != 0)
    {
        ngx_http_gmchat_rights_free(check);
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
    }
}


/* "p <operator>": the rights of this one changed.  Without a word some may have
 * changed unheard. */

static void
ngx_http_gmchat_rights_wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    ngx_http_gmchat_stream_t  *stream;

    stream = sub->data;

    if (message
        && (message->len != stream->operator.len + 2
            || ngx_memcmp(message->data + 2, stream->operator.data,
                          stream->operator.len)
               != 0))
    {
        return;
    }

    /* while the link is cut this comes again and again */

    if (message == NULL) {
        ngx_http_gmchat_rights_beat(stream);
        return;
    }

    ngx_http_gmchat_rights_check(stream, NULL);
}


void
ngx_http_gmchat_rights_beat(ngx_http_gmchat_stream_t *stream)
{
    if (ngx_queue_empty(&stream->checks)) {
        ngx_http_gmchat_rights_check(stream, NULL);
    }
}


ngx_int_t
ngx_http_gmchat_rights_begin(ngx_http_gmchat_stream_t *stream)
{
    int           active;
    u_char        text[256];
    gmchat_str_t  channel;

    channel.data = text;
    channel.len = (size_t) (ngx_snprintf(text, sizeof(text), "%*sto:ops",
                                         stream->prefix.len,
                                         stream->prefix.data) - text);

    stream->ops.wake = ngx_http_gmchat_rights_wake;
    stream->ops.data = stream;

    if (gmchat_store_subscribe(stream->conf->store->link, &stream->ops,
                               &channel, &active)
        != 0)
    {
        return NGX_ERROR;
    }

    /* since the stream was allowed something may have changed */

    if (active) {
        ngx_http_gmchat_rights_check(stream, NULL);
    }

    return NGX_OK;
}


void
ngx_http_gmchat_rights_leave(ngx_http_gmchat_stream_t *stream)
{
    ngx_queue_t              *q;
    ngx_http_gmchat_check_t  *check;

    gmchat_store_unsubscribe(stream->conf->store->link, &stream->ops);

    while (!ngx_queue_empty(&stream->checks)) {
        q = ngx_queue_head(&stream->checks);
        ngx_queue_remove(q);

        check = ngx_queue_data(q, ngx_http_gmchat_check_t, queue);
        check->stream = NULL;
    }
}
