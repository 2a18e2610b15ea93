#include "ngx_http_gmchat_watch.h"


typedef struct {
    gmchat_script_call_t    script;
    gmchat_buf_t            prefix;
    gmchat_buf_t            gms;
    gmchat_buf_t            lease;
    gmchat_arena_t          arena;      /* of an operator's */
} ngx_http_gmchat_presence_t;


static void
ngx_http_gmchat_presence_free(ngx_http_gmchat_presence_t *presence)
{
    gmchat_buf_free(&presence->prefix);
    gmchat_buf_free(&presence->gms);
    gmchat_buf_free(&presence->lease);
    gmchat_arena_free(&presence->arena);
    ngx_free(presence);
}


static void
ngx_http_gmchat_presence_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    if (outcome != GMCHAT_STORE_REPLY
        || gmchat_reply_status(value) != GMCHAT_OK)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "gmchat: the store was not told that the GMs of a "
                      "stream are online");
    }

    ngx_http_gmchat_presence_free(data);
}


static void
ngx_http_gmchat_presence_word(gmchat_str_t *word, const gmchat_buf_t *buf)
{
    word->data = buf->data;
    word->len = buf->len;
}


static void
ngx_http_gmchat_presence_gm(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *id, void *data)
{
    gmchat_buf_t  *gms = data;

    gmchat_buf_add(gms, id->data, id->len);
    gmchat_buf_add_text(gms, " ");
}


/* To put GMs online is a change, which an operator's right is looked at for, and
 * which is noted; that they stay so is not. */

static ngx_int_t
ngx_http_gmchat_presence_sign(ngx_http_gmchat_stream_t *stream,
    ngx_http_gmchat_presence_t *presence, const gmchat_str_t *gms)
{
    gmchat_args_t  args;

    if (stream->operator.len == 0) {
        return NGX_OK;
    }

    ngx_memzero(&args, sizeof(gmchat_args_t));

    return ngx_http_gmchat_rights_sign(stream, &presence->script, gms, &args,
                                       GMCHAT_NOTE_CHANGE, &presence->arena);
}


/* GMs (NULL: all of the stream's) are online until the grace time is over;
 * three times in which that is renewed. */

static void
ngx_http_gmchat_presence_tell(ngx_http_gmchat_stream_t *stream,
    const char *script, const gmchat_str_t *gms, ngx_uint_t change)
{
    ngx_http_gmchat_presence_t  *presence;

    if (gms == NULL) {
        stream->stay = ngx_current_msec + stream->conf->grace / 3;
    }

    presence = ngx_calloc(sizeof(ngx_http_gmchat_presence_t), ngx_cycle->log);
    if (presence == NULL) {
        return;
    }

    gmchat_buf_add(&presence->prefix, stream->prefix.data,
                   stream->prefix.len);
    gmchat_buf_add_int(&presence->lease, (int64_t) stream->conf->grace);

    if (gms) {
        gmchat_buf_add(&presence->gms, gms->data, gms->len);

    } else {
        ngx_http_gmchat_watch_each(stream, ngx_http_gmchat_presence_gm,
                                   &presence->gms);
    }

    presence->script.script = script;
    presence->script.n = 3;
    ngx_http_gmchat_presence_word(&presence->script.words[0],
                                  &presence->prefix);
    ngx_http_gmchat_presence_word(&presence->script.words[1],
                                  &presence->gms);
    ngx_http_gmchat_presence_word(&presence->script.words[2],
                                  &presence->lease);

    if (presence->prefix.failed || presence->gms.failed
        || presence->lease.failed
        || (change
            && ngx_http_gmchat_presence_sign(stream, presence, gms) != NGX_OK)
        || gmchat_store_submit(stream->conf->store->link, &presence->script,
                               ngx_http_gmchat_presence_done, presence)
           != 0)
    {
        ngx_http_gmchat_presence_free(presence);
    }
}


void
ngx_http_gmchat_stream_appear(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *gms)
{
    ngx_http_gmchat_presence_tell(stream, "appear", gms, 1);
}


void
ngx_http_gmchat_stream_stay(ngx_http_gmchat_stream_t *stream)
{
    ngx_http_gmchat_presence_tell(stream, "stay", NULL, 0);
}
