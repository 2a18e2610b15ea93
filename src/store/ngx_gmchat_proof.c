#include "ngx_gmchat_redis.h"


/* Probes in a wake_timeout: one may be late. */
#define NGX_GMCHAT_PROBES  3

/* So many that brought nothing are proof.  Time alone is none: a worker that
 * stood still has not asked. */
#define NGX_GMCHAT_ENOUGH  2


static void ngx_gmchat_proof_probe_handler(ngx_event_t *ev);


void
ngx_gmchat_proof_init(ngx_gmchat_pubsub_t *pubsub)
{
    ngx_gmchat_link_init_event(&pubsub->link, &pubsub->probe,
                               ngx_gmchat_proof_probe_handler, pubsub);
}


void
ngx_gmchat_proof_name(ngx_gmchat_pubsub_t *pubsub)
{
    u_char  *p;
#if (NGX_SSL)
    u_char   bits[16];
#endif

    p = ngx_cpymem(pubsub->own, "gmchat:link:", sizeof("gmchat:link:") - 1);

#if (NGX_SSL)

    if (RAND_bytes(bits, sizeof(bits)) == 1) {
        (void) ngx_hex_dump(p, bits, sizeof(bits));
        return;
    }

#endif

    (void) ngx_sprintf(p, "%08xD%08xD%08xD%08xD", (uint32_t) ngx_random(),
                       (uint32_t) ngx_random(), (uint32_t) ngx_random(),
                       (uint32_t) ngx_random());
}


ngx_uint_t
ngx_gmchat_proof_own(const ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *channel)
{
    return channel->len == NGX_GMCHAT_OWN_LEN
           && ngx_memcmp(channel->data, pubsub->own, NGX_GMCHAT_OWN_LEN) == 0;
}


static void
ngx_gmchat_proof_published(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = data;

    if (!pubsub->own_confirmed) {
        return;
    }

    if (outcome != GMCHAT_STORE_REPLY) {

        /* the other link was lost, and the probe may be with it */

        pubsub->answered = pubsub->asked;
        ngx_gmchat_link_event(&pubsub->link, GMCHAT_LINK_PREPARED);
        return;
    }

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_gmchat_pubsub_refused(pubsub, &value->str);
    }
}


static ngx_int_t
ngx_gmchat_proof_publish(ngx_gmchat_pubsub_t *pubsub)
{
    u_char        number[NGX_INT64_LEN];
    gmchat_str_t  words[3] = { gmchat_string("PUBLISH"),
                               { NGX_GMCHAT_OWN_LEN, pubsub->own },
                               { 0, number } };

    if (pubsub->asked == pubsub->answered) {
        pubsub->probed = ngx_current_msec;
    }

    pubsub->asked++;
    words[2].len = (size_t) (ngx_sprintf(number, "%uL", pubsub->asked)
                             - number);

    if (ngx_gmchat_redis_ask(pubsub->redis, ngx_gmchat_proof_published, pubsub,
                             words, 3)
        != NGX_OK)
    {
        ngx_gmchat_link_lose(&pubsub->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Without the link that runs scripts, that this server answers is all that
 * can be known. */

static void
ngx_gmchat_proof_ping(ngx_gmchat_pubsub_t *pubsub)
{
    static const gmchat_str_t  ping = gmchat_string("PING");

    if (ngx_gmchat_wire_put(&pubsub->link, &ping, 1) != NGX_OK) {
        ngx_gmchat_link_lose(&pubsub->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
        return;
    }

    ngx_gmchat_wire_write(&pubsub->link);
}


void
ngx_gmchat_proof_begin(ngx_gmchat_pubsub_t *pubsub)
{
    pubsub->own_confirmed = 1;

    if (!ngx_gmchat_redis_serves(pubsub->redis)) {
        ngx_gmchat_link_event(&pubsub->link, GMCHAT_LINK_PREPARED);
        return;
    }

    pubsub->link.late = "what is published does not arrive";
    (void) ngx_gmchat_proof_publish(pubsub);
}


void
ngx_gmchat_proof_serve(ngx_gmchat_pubsub_t *pubsub)
{
    ngx_msec_t  timeout;

    timeout = pubsub->link.conf->wake_timeout;

    ngx_add_timer(&pubsub->link.deadline, timeout);
    ngx_add_timer(&pubsub->probe, timeout / NGX_GMCHAT_PROBES);
}


static void
ngx_gmchat_proof_probe_handler(ngx_event_t *ev)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = ev->data;
    pubsub->unheard++;

    ngx_add_timer(&pubsub->probe,
                  pubsub->link.conf->wake_timeout / NGX_GMCHAT_PROBES);

    if (ngx_gmchat_redis_serves(pubsub->redis)) {
        (void) ngx_gmchat_proof_publish(pubsub);
        return;
    }

    ngx_gmchat_proof_ping(pubsub);
}


void
ngx_gmchat_proof_came(ngx_gmchat_pubsub_t *pubsub, const gmchat_str_t *text)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || (uint64_t) n <= pubsub->answered
        || (uint64_t) n > pubsub->asked)
    {
        return;
    }

    pubsub->answered = (uint64_t) n;
    pubsub->probed = ngx_current_msec;

    ngx_gmchat_link_event(&pubsub->link, GMCHAT_LINK_PREPARED);
}


/* Whether wake_timeout passed since a moment; *least is what is left of it, if
 * that is less. */

static ngx_uint_t
ngx_gmchat_proof_passed(ngx_gmchat_pubsub_t *pubsub, ngx_msec_t since,
    ngx_msec_int_t *least)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (since + pubsub->link.conf->wake_timeout
                             - ngx_current_msec);
    *least = ngx_min(*least, left);

    return left <= 0;
}


void
ngx_gmchat_proof_overdue(ngx_gmchat_link_t *link)
{
    const char           *reason;
    ngx_msec_int_t        left;
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;
    left = (ngx_msec_int_t) link->conf->wake_timeout;
    reason = NULL;

    if (ngx_gmchat_proof_passed(pubsub, pubsub->heard, &left)
        && pubsub->unheard >= NGX_GMCHAT_ENOUGH)
    {
        reason = "nothing came in time";

    } else if (pubsub->asked != pubsub->answered
               && ngx_gmchat_proof_passed(pubsub, pubsub->probed, &left)
               && pubsub->asked - pubsub->answered >= NGX_GMCHAT_ENOUGH)
    {
        reason = "what is published does not arrive";

    } else if (pubsub->unconfirmed
               && ngx_gmchat_proof_passed(pubsub, pubsub->confirmed, &left))
    {
        reason = "no confirmation in time";
    }

    if (reason && !pubsub->doubted) {

        /* what came while the worker stood still is read first */

        pubsub->doubted = 1;
        ngx_add_timer(&link->deadline, 1);
        return;
    }

    pubsub->doubted = 0;

    if (reason) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, reason);
        return;
    }

    if (left <= 0) {
        left = (ngx_msec_int_t) link->conf->wake_timeout / NGX_GMCHAT_PROBES;
    }

    ngx_add_timer(&link->deadline, (ngx_msec_t) left);
}


void
ngx_gmchat_proof_end(ngx_gmchat_pubsub_t *pubsub)
{
    pubsub->own_confirmed = 0;
    pubsub->doubted = 0;
    pubsub->asked = 0;
    pubsub->answered = 0;

    ngx_gmchat_link_stop_event(&pubsub->probe);
}
