#include <stdio.h>
#include <string.h>

#include "gmchat_known.h"
#include "test_tools.h"


/* Milliseconds that something is known. */
#define AGE  5000

#define M  GMCHAT_MESSAGES
#define R  GMCHAT_RELATIONS


static gmchat_known_t  known;


static void
setup(void)
{
    memset(&known, 0xa5, sizeof(known));
    gmchat_known_init(&known);
}


static gmchat_str_t
str(const char *text)
{
    gmchat_str_t  s = { strlen(text), (unsigned char *) text };

    return s;
}


static gmchat_known_ticket_t
asks(gmchat_line_e line, uint64_t changes, uint64_t now, int active)
{
    gmchat_known_ticket_t  ticket;

    memset(&ticket, 0xa5, sizeof(ticket));
    gmchat_known_ask(&known, line, changes, now, active, &ticket);

    return ticket;
}


static gmchat_known_e
reply(gmchat_line_e line, const gmchat_known_ticket_t *ticket,
    const char *cursor, int active)
{
    gmchat_str_t  s = str(cursor);

    return gmchat_known_reply(&known, line, ticket, &s, active);
}


/* A poll that finds nothing at a time. */

static gmchat_known_e
learn(gmchat_line_e line, const char *cursor, uint64_t changes, uint64_t now)
{
    gmchat_known_ticket_t  ticket = asks(line, changes, now, 1);

    return reply(line, &ticket, cursor, 1);
}


static gmchat_known_e
wake(const char *message)
{
    gmchat_str_t  s = str(message);

    return gmchat_known_wake(&known, &s, 1);
}


/* What a poll is answered with; "" where the store is asked. */

static const char *
answer_at(gmchat_line_e line, const char *ack, uint64_t changes, uint64_t now)
{
    static char                 text[GMCHAT_CURSOR_MAX + 1];
    gmchat_str_t                s;
    const gmchat_known_line_t  *of;

    s = str(ack ? ack : "");
    of = gmchat_known_use(&known, line, ack ? &s : NULL, changes, now, AGE);

    if (of == NULL) {
        return "";
    }

    memcpy(text, of->cursor, of->len);
    text[of->len] = '\0';

    return text;
}


static const char *
answer(gmchat_line_e line)
{
    return answer_at(line, NULL, 0, 1000);
}


START_TEST(nothing_at_first)
{
    ck_assert_str_eq(answer(M), "");
    ck_assert_str_eq(answer(R), "");
}
END_TEST


START_TEST(a_reply_is_known)
{
    ck_assert_int_eq(learn(M, "7-3", 0, 1000), GMCHAT_KNOWN_ASK);
    ck_assert_str_eq(answer(M), "7-3");
    ck_assert_str_eq(answer(R), "");

    ck_assert_int_eq(learn(R, "0-0", 0, 1000), GMCHAT_KNOWN_ASK);
    ck_assert_str_eq(answer(R), "0-0");
    ck_assert_str_eq(answer(M), "7-3");
}
END_TEST


/* As long as a cursor can be, and what can be none. */
START_TEST(cursors)
{
    static const char  longest[] = "9223372036854775807-9223372036854775807";

    ck_assert_uint_eq(strlen(longest), GMCHAT_CURSOR_MAX);

    learn(M, longest, 0, 1000);
    ck_assert_str_eq(answer(M), longest);

    learn(M, "9223372036854775807-92233720368547758070", 0, 1000);
    ck_assert_str_eq(answer(M), "");
}
END_TEST


START_TEST(acks)
{
    size_t  i;

    static const struct {
        const char  *ack;
        int          known;
    } acks[] = {
        { NULL, 1 }, { "", 1 }, { "0-0", 1 }, { "7-3", 1 }, { "7-2", 0 },
        { "7-4", 0 }, { "6-3", 0 }, { "7-0", 0 }, { "7-", 0 }, { "7-33", 0 },
        { "0-1", 0 }
    };

    learn(M, "7-3", 0, 1000);

    for (i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
        ck_assert_str_eq(answer_at(M, acks[i].ack, 0, 1000),
                         acks[i].known ? "7-3" : "");
    }
}
END_TEST


/* From when the call was submitted, not from when its reply came. */
START_TEST(age)
{
    learn(M, "7-3", 0, 1000);

    ck_assert_str_eq(answer_at(M, NULL, 0, 1000 + AGE - 1), "7-3");
    ck_assert_str_eq(answer_at(M, NULL, 0, 1000 + AGE), "");
    ck_assert_str_eq(answer_at(M, NULL, 0, 1000 + 10 * AGE), "");
}
END_TEST


START_TEST(changes)
{
    gmchat_known_ticket_t  ticket;

    learn(M, "7-3", 4, 1000);
    ck_assert_str_eq(answer_at(M, NULL, 4, 1000), "7-3");
    ck_assert_str_eq(answer_at(M, NULL, 5, 1000), "");

    /* written while the call was under way */

    ticket = asks(M, 5, 1000, 1);
    reply(M, &ticket, "7-3", 1);
    ck_assert_str_eq(answer_at(M, NULL, 6, 1000), "");
}
END_TEST


/* Each wake-up, when the mailbox is known and while it is asked for. */
START_TEST(wakes)
{
    size_t                 i;
    gmchat_known_ticket_t  m, r;

    static const struct {
        const char  *message;
        int          messages;      /* known then */
        int          relations;
    } wakes[] = {
        { "m", 0, 1 },
        { "m 7-4 11 1 99 eA==", 0, 1 },
        { "r", 1, 0 },
        { "r 7-4 11 1 99 apply Ann", 1, 0 },
        { "a m 7-3", 1, 1 },
        { "a r 7-3", 1, 1 },
        { "o", 1, 1 },
        { "", 0, 0 },
        { "x", 1, 1 }
    };

    for (i = 0; i < sizeof(wakes) / sizeof(wakes[0]); i++) {
        setup();
        learn(M, "7-3", 0, 1000);
        learn(R, "6-2", 0, 1000);
        ck_assert_int_eq(wake(wakes[i].message), GMCHAT_KNOWN_ASK);
        ck_assert_str_eq(answer(M), wakes[i].messages ? "7-3" : "");
        ck_assert_str_eq(answer(R), wakes[i].relations ? "6-2" : "");

        setup();
        m = asks(M, 0, 1000, 1);
        r = asks(R, 0, 1000, 1);
        wake(wakes[i].message);
        reply(M, &m, "7-3", 1);
        reply(R, &r, "6-2", 1);
        ck_assert_str_eq(answer(M), wakes[i].messages ? "7-3" : "");
        ck_assert_str_eq(answer(R), wakes[i].relations ? "6-2" : "");
    }
}
END_TEST


START_TEST(wakes_without_a_message)
{
    int                    active;
    gmchat_known_ticket_t  ticket;

    for (active = 0; active < 2; active++) {
        setup();
        learn(M, "7-3", 0, 1000);
        learn(R, "6-2", 0, 1000);
        ticket = asks(M, 0, 1000, 1);

        ck_assert_int_eq(gmchat_known_wake(&known, NULL, active),
                         GMCHAT_KNOWN_ASK);
        ck_assert_str_eq(answer(M), "");
        ck_assert_str_eq(answer(R), "");

        reply(M, &ticket, "7-3", 1);
        ck_assert_str_eq(answer(M), "");
    }
}
END_TEST


/* What is not heard proves nothing. */
START_TEST(not_believed)
{
    gmchat_known_ticket_t  ticket;

    ticket = asks(M, 0, 1000, 0);
    reply(M, &ticket, "7-3", 1);
    ck_assert_str_eq(answer(M), "");

    ticket = asks(M, 0, 1000, 1);
    reply(M, &ticket, "7-3", 0);
    ck_assert_str_eq(answer(M), "");

    reply(M, NULL, "7-3", 1);
    ck_assert_str_eq(answer(M), "");

    learn(M, "7-3", 0, 1000);
    ck_assert_str_eq(answer(M), "7-3");

    /* and ends what was known */

    reply(M, NULL, "7-3", 1);
    ck_assert_str_eq(answer(M), "");

    learn(M, "7-3", 0, 1000);
    reply(M, NULL, "", 1);
    ck_assert_str_eq(answer(M), "");
}
END_TEST


/* The second reply in a row that finds nothing is worth a subscription. */
START_TEST(subscribing)
{
    ck_assert_int_eq(reply(M, NULL, "7-3", 0), GMCHAT_KNOWN_ASK);
    ck_assert_int_eq(reply(M, NULL, "", 0), GMCHAT_KNOWN_ASK);
    ck_assert_int_eq(reply(R, NULL, "7-3", 0), GMCHAT_KNOWN_ASK);
    ck_assert_int_eq(reply(M, NULL, "7-3", 0), GMCHAT_KNOWN_ASK);
    ck_assert_int_eq(reply(M, NULL, "7-3", 0), GMCHAT_KNOWN_SUBSCRIBE);
    ck_assert_int_eq(reply(M, NULL, "7-3", 0), GMCHAT_KNOWN_SUBSCRIBE);
}
END_TEST


/* How many replies it takes until the next subscription. */

static unsigned
needed(void)
{
    unsigned  n;

    for (n = 1; reply(M, NULL, "7-3", 0) != GMCHAT_KNOWN_SUBSCRIBE; n++) {
        ck_assert_uint_lt(n, 1000);
    }

    return n;
}


static void
wakes_in_vain(void)
{
    int  i;

    for (i = 1; i < GMCHAT_KNOWN_WAKES; i++) {
        ck_assert_int_eq(wake("m"), GMCHAT_KNOWN_ASK);
    }

    ck_assert_int_eq(wake("o"), GMCHAT_KNOWN_UNSUBSCRIBE);
}


START_TEST(wakes_of_no_use)
{
    unsigned  i, n;

    for (n = GMCHAT_KNOWN_NEEDED; n < GMCHAT_KNOWN_NEEDED_MAX; n *= 2) {
        ck_assert_uint_eq(needed(), n);
        wakes_in_vain();
    }

    for (i = 0; i < 3; i++) {
        ck_assert_uint_eq(needed(), GMCHAT_KNOWN_NEEDED_MAX);
        wakes_in_vain();
    }
}
END_TEST


/* That nothing can be heard counts; that it can be again does not. */
START_TEST(links_of_no_use)
{
    int  i;

    for (i = 0; i < 100; i++) {
        ck_assert_int_eq(gmchat_known_wake(&known, NULL, 1),
                         GMCHAT_KNOWN_ASK);
    }

    for (i = 1; i < GMCHAT_KNOWN_WAKES; i++) {
        ck_assert_int_eq(gmchat_known_wake(&known, NULL, 0),
                         GMCHAT_KNOWN_ASK);
    }

    ck_assert_int_eq(gmchat_known_wake(&known, NULL, 0),
                     GMCHAT_KNOWN_UNSUBSCRIBE);
}
END_TEST


START_TEST(uses_make_up_for_it)
{
    unsigned  i;

    wakes_in_vain();
    wakes_in_vain();
    ck_assert_uint_eq(known.needed, 4 * GMCHAT_KNOWN_NEEDED);

    for (i = 1; i <= GMCHAT_KNOWN_USES; i++) {
        ck_assert_uint_eq(known.needed, 4 * GMCHAT_KNOWN_NEEDED);
        learn(M, "7-3", 0, 1000);
        ck_assert_str_eq(answer(M), "7-3");
        ck_assert_int_eq(wake("m"), GMCHAT_KNOWN_ASK);
    }

    ck_assert_uint_eq(known.needed, GMCHAT_KNOWN_NEEDED);

    for (i = 0; i < 100; i++) {
        learn(M, "7-3", 0, 1000);
        ck_assert_str_eq(answer(M), "7-3");
        ck_assert_int_eq(wake("m"), GMCHAT_KNOWN_ASK);
    }

    learn(M, "7-3", 0, 1000);
    ck_assert_str_eq(answer(M), "7-3");
    wakes_in_vain();
    ck_assert_uint_eq(known.needed, 2 * GMCHAT_KNOWN_NEEDED);
}
END_TEST


/* Who is polled more seldom than anything stays known. */
START_TEST(replies_of_no_use)
{
    uint64_t  now;
    unsigned  i, n;

    now = 1000;

    for (n = 1; n <= 3; n++) {
        for (i = 0; i < GMCHAT_KNOWN_VAIN; i++) {
            now += AGE;
            ck_assert_str_eq(answer_at(M, NULL, 0, now), "");
            ck_assert_int_eq(learn(M, "7-3", 0, now), GMCHAT_KNOWN_ASK);
        }

        if (n == 1) {
            ck_assert_str_eq(answer_at(M, NULL, 0, now), "7-3");
            continue;
        }

        now += AGE;
        ck_assert_int_eq(learn(M, "7-3", 0, now), GMCHAT_KNOWN_UNSUBSCRIBE);
        ck_assert_str_eq(answer_at(M, NULL, 0, now), "");
        ck_assert_uint_eq(known.needed, GMCHAT_KNOWN_NEEDED << (n - 1));
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_known");
    tcase_add_checked_fixture(tc, setup, NULL);

    tcase_add_test(tc, nothing_at_first);
    tcase_add_test(tc, a_reply_is_known);
    tcase_add_test(tc, cursors);
    tcase_add_test(tc, acks);
    tcase_add_test(tc, age);
    tcase_add_test(tc, changes);
    tcase_add_test(tc, wakes);
    tcase_add_test(tc, wakes_without_a_message);
    tcase_add_test(tc, not_believed);
    tcase_add_test(tc, subscribing);
    tcase_add_test(tc, wakes_of_no_use);
    tcase_add_test(tc, links_of_no_use);
    tcase_add_test(tc, uses_make_up_for_it);
    tcase_add_test(tc, replies_of_no_use);

    return check_end();
}
