#include "ngx_http_gmchat_event.h"

#include "gmchat_json.h"


/* Scratch of the event being written. */

static gmchat_buf_t  ngx_http_gmchat_event_id;
static gmchat_buf_t  ngx_http_gmchat_event_data;
static gmchat_buf_t  ngx_http_gmchat_event_text;


static void
ngx_http_gmchat_event_add(ngx_http_gmchat_stream_t *stream, const char *name,
    const gmchat_buf_t *id)
{
    ngx_http_gmchat_event_t  event;

    event.name = name;
    event.id.data = id ? id->data : NULL;
    event.id.len = id ? id->len : 0;
    event.data.data = ngx_http_gmchat_event_data.data;
    event.data.len = ngx_http_gmchat_event_data.len;

    if (ngx_http_gmchat_event_id.failed || ngx_http_gmchat_event_data.failed
        || ngx_http_gmchat_event_text.failed)
    {
        gmchat_buf_free(&ngx_http_gmchat_event_id);
        gmchat_buf_free(&ngx_http_gmchat_event_data);
        gmchat_buf_free(&ngx_http_gmchat_event_text);
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    stream->transport->event(stream, &event);
    ngx_http_gmchat_stat_event(stream->transport->kind);
    ngx_http_gmchat_stream_touch(stream);
}


static void
ngx_http_gmchat_event_tell(ngx_http_gmchat_stream_t *stream, const char *name)
{
    ngx_http_gmchat_event_id.len = 0;
    gmchat_ledger_cursor(&stream->ledger, &ngx_http_gmchat_event_id);

    ngx_http_gmchat_event_add(stream, name, &ngx_http_gmchat_event_id);
}


/* Opens the object of an event with its receiver. */

static gmchat_buf_t *
ngx_http_gmchat_event_label(ngx_http_gmchat_stream_t *stream, int64_t id)
{
    gmchat_buf_t  *data;

    data = &ngx_http_gmchat_event_data;
    data->len = 0;

    gmchat_buf_add_text(data, "{");
    gmchat_json_name(data, stream->gs ? "host" : "gm_account");
    gmchat_buf_add_text(data, "\"");
    gmchat_buf_add_int(data, id);
    gmchat_buf_add_text(data, "\"");

    return data;
}


/* The first event names the stream; nothing was given yet. */

void
ngx_http_gmchat_event_open(ngx_http_gmchat_stream_t *stream)
{
    gmchat_buf_t  *data;

    data = &ngx_http_gmchat_event_data;
    data->len = 0;

    gmchat_buf_add_text(data, "{\"stream\":\"");
    gmchat_buf_add(data, stream->id, NGX_HTTP_GMCHAT_STREAM_ID);
    gmchat_buf_add_text(data, "\"}");

    ngx_http_gmchat_event_add(stream, "open", NULL);
}


void
ngx_http_gmchat_event_ready(ngx_http_gmchat_stream_t *stream)
{
    gmchat_buf_t  *data;

    data = &ngx_http_gmchat_event_data;
    data->len = 0;

    gmchat_buf_add_text(data, "{\"receivers\":");
    gmchat_buf_add_int(data, (int64_t) stream->ledger.n);
    gmchat_buf_add_text(data, "}");

    ngx_http_gmchat_event_tell(stream, "ready");
}


static void
ngx_http_gmchat_event_message(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_entry_t *entry)
{
    u_char         number[NGX_INT64_LEN];
    gmchat_str_t   owner;
    gmchat_buf_t  *data;

    if (stream->gs) {
        data = ngx_http_gmchat_event_label(stream, id);
        gmchat_entry_members(data, entry, &entry->gm,
                             &ngx_http_gmchat_event_text);
        return;
    }

    /* a message's own gm_account is the label */

    owner.data = number;
    owner.len = (size_t) (ngx_sprintf(number, "%L", id) - number);

    data = &ngx_http_gmchat_event_data;
    data->len = 0;
    gmchat_buf_add_text(data, "{");
    gmchat_entry_members(data, entry, &owner, &ngx_http_gmchat_event_text);
}


void
ngx_http_gmchat_event_entry(ngx_http_gmchat_stream_t *stream, int64_t id,
    gmchat_line_e line, const gmchat_entry_t *entry)
{
    if (line == GMCHAT_RELATIONS) {
        gmchat_entry_relation_members(ngx_http_gmchat_event_label(stream, id),
                                      entry);

    } else {
        ngx_http_gmchat_event_message(stream, id, entry);
    }

    gmchat_buf_add_text(&ngx_http_gmchat_event_data, "}");

    ngx_http_gmchat_event_tell(stream, line == GMCHAT_RELATIONS ? "relation"
                                                                : "message");
}


/* The members that an event has of a player's message, where it has them. */

static void
ngx_http_gmchat_event_about(gmchat_buf_t *data, const gmchat_entry_t *entry)
{
    if (entry->uid.len) {
        gmchat_json_name(data, "uid");
        gmchat_json_string(data, entry->uid.data, entry->uid.len);
    }

    if (entry->id.len) {
        gmchat_json_name(data, "id");
        gmchat_json_string(data, entry->id.data, entry->id.len);
    }

    gmchat_buf_add_text(data, "}");
}


void
ngx_http_gmchat_event_read(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_wake_t *wake)
{
    ngx_http_gmchat_event_about(ngx_http_gmchat_event_label(stream, id),
                                &wake->entry);

    ngx_http_gmchat_event_add(stream, "read", NULL);
}


void
ngx_http_gmchat_event_desk(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_wake_t *wake)
{
    gmchat_buf_t  *data;

    data = ngx_http_gmchat_event_label(stream, id);
    gmchat_json_name(data, "action");
    gmchat_json_string(data, wake->action.data, wake->action.len);
    ngx_http_gmchat_event_about(data, &wake->entry);

    ngx_http_gmchat_event_add(stream, "desk", NULL);
}


void
ngx_http_gmchat_event_reset(ngx_http_gmchat_stream_t *stream, int64_t id,
    gmchat_line_e line)
{
    gmchat_buf_t  *data;

    data = ngx_http_gmchat_event_label(stream, id);

    gmchat_json_name(data, "of");
    gmchat_buf_add_text(data, line == GMCHAT_RELATIONS ? "\"relation\"}"
                                                       : "\"message\"}");

    ngx_http_gmchat_event_tell(stream, "reset");
}


void
ngx_http_gmchat_event_forbidden(ngx_http_gmchat_stream_t *stream)
{
    gmchat_buf_t  *data;

    data = &ngx_http_gmchat_event_data;
    data->len = 0;

    gmchat_buf_add_text(data, "{");
    gmchat_json_name(data, "operator");
    gmchat_json_string(data, stream->operator.data, stream->operator.len);
    gmchat_buf_add_text(data, "}");

    ngx_http_gmchat_event_add(stream, "forbidden", NULL);
}


void
ngx_http_gmchat_event_online(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_value_t *gms)
{
    size_t         i;
    gmchat_buf_t  *data;

    data = ngx_http_gmchat_event_label(stream, id);

    gmchat_json_name(data, "gm_accounts");
    gmchat_buf_add_text(data, "[");

    for (i = 0; i < gms->n; i++) {
        gmchat_json_next(data);
        gmchat_json_string(data, gms->items[i].str.data,
                           gms->items[i].str.len);
    }

    gmchat_buf_add_text(data, "]}");

    ngx_http_gmchat_event_tell(stream, "online");
}
