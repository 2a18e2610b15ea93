#include "ngx_http_gmchat.h"


static void
ngx_http_gmchat_settled(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    gmchat_status_e          status;
    ngx_http_gmchat_call_t  *call;

    call = data;

    if (outcome == GMCHAT_STORE_REPLY) {
        status = gmchat_reply_status(value);

    } else {
        status = GMCHAT_UNKNOWN;
    }

    if (status != GMCHAT_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "gmchat: the store was not told what became of a "
                      "receive: it will be delivered again");
    }

    ngx_http_gmchat_call_settled(call);
}


/*
 * Tells the store what became of what the call took.  Where the store cannot
 * be told, the deadline in the mailbox delivers it again.
 */

void
ngx_http_gmchat_settle(ngx_http_gmchat_call_t *call, ngx_uint_t landed)
{
    call->script.script = landed ? "landed" : "returned";
    call->script.nkeys = 1;
    call->script.n = 2;
    call->script.history = 0;
    call->script.words[0] = call->prefix;
    call->script.words[1] = call->receipt;
    call->receipt.len = 0;

    if (gmchat_store_submit(call->conf->store->link, &call->script,
                            ngx_http_gmchat_settled, call)
        != 0)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "gmchat: no memory to tell the store what became of a "
                      "receive: it will be delivered again");
        return;
    }

    call->pending = 1;
}


/*
 * Whether the client hung up while the store was asked: the kernel would
 * still take the reply.
 */

ngx_uint_t
ngx_http_gmchat_client_gone(ngx_http_request_t *r)
{
    u_char             byte;
    ssize_t            n;
    ngx_connection_t  *c;

    c = r->connection;

    if (c->error || c->timedout) {
        return 1;
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        return 0;
    }
#endif

    n = recv(c->fd, &byte, 1, MSG_PEEK);

    return n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN
                      && ngx_socket_errno != NGX_EINTR);
}
