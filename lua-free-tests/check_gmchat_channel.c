#include <stdlib.h>
#include <string.h>

#include "gmchat_channel.h"
#include "test_tools.h"


#define SUBS  8


static gmchat_channel_t  channel;
static gmchat_sub_t      subs[SUBS];

/* Who was woken: a letter for each, a capital one for NULL. */
static char              woken[256];

/* What wake() does beside noting it. */
static void            (*deed)(size_t i);


static void
wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    size_t  i;

    i = (size_t) (sub - subs);
    ck_assert_uint_lt(strlen(woken), sizeof(woken) - 1);
    woken[strlen(woken)] = (char) ((message ? 'a' : 'A') + i);

    if (message) {
        ck_assert(gmchat_str_is(message, "m"));
    }

    if (deed) {
        deed(i);
    }
}


static void
join(size_t i, int active)
{
    subs[i].wake = wake;
    gmchat_channel_join(&channel, &subs[i], active);
    ck_assert_ptr_eq(subs[i].channel, &channel);
}


static void
leave(size_t i)
{
    gmchat_channel_leave(&subs[i]);
    ck_assert_ptr_null(subs[i].channel);
}


/* A channel with the first n subs. */
static void
begin(size_t n, int active, void (*what)(size_t i))
{
    size_t  i;

    memset(&channel, 0, sizeof(gmchat_channel_t));
    memset(subs, 0, sizeof(subs));
    memset(woken, 0, sizeof(woken));
    deed = what;

    for (i = 0; i < n; i++) {
        join(i, active);
    }
}


static void
publish(const char *expected)
{
    static const gmchat_str_t  message = gmchat_string("m");

    memset(woken, 0, sizeof(woken));
    gmchat_channel_message(&channel, &message);
    ck_assert_str_eq(woken, expected);
}


START_TEST(in_the_order_of_joining)
{
    begin(4, 1, NULL);
    publish("abcd");
    publish("abcd");

    leave(1);
    publish("acd");
    join(1, 1);
    publish("acdb");
    leave(0);
    leave(1);
    publish("cd");
    leave(2);
    leave(3);
    ck_assert_ptr_null(channel.first);
    ck_assert_ptr_null(channel.last);
    publish("");
    join(2, 1);
    publish("c");
}
END_TEST


/* A message is nothing to one whose subscription has not begun. */
START_TEST(waiting)
{
    begin(2, 0, NULL);
    join(2, 1);

    publish("c");

    memset(woken, 0, sizeof(woken));
    gmchat_channel_look(&channel);
    gmchat_channel_look(&channel);
    ck_assert_str_eq(woken, "ABAB");
    publish("c");

    memset(woken, 0, sizeof(woken));
    gmchat_channel_begin(&channel);
    ck_assert_str_eq(woken, "AB");
    gmchat_channel_begin(&channel);
    gmchat_channel_look(&channel);
    ck_assert_str_eq(woken, "AB");

    publish("abc");

    gmchat_channel_lost(&channel);
    publish("");
    memset(woken, 0, sizeof(woken));
    gmchat_channel_begin(&channel);
    ck_assert_str_eq(woken, "ABC");
}
END_TEST


static void
leave_itself(size_t i)
{
    leave(i);
}


static void
leave_and_join(size_t i)
{
    leave(i);
    join(i, 1);
}


static void
leave_the_next(size_t i)
{
    if (i + 1 < SUBS && subs[i + 1].channel) {
        leave(i + 1);
    }
}


static void
leave_all(size_t i)
{
    for (i = 0; i < SUBS; i++) {
        if (subs[i].channel) {
            leave(i);
        }
    }
}


static void
leave_all_and_join(size_t i)
{
    leave_all(i);

    for (i = SUBS; i > 0; i--) {
        join(i - 1, 1);
    }
}


static void
bring_one_in(size_t i)
{
    if (i + 4 < SUBS && subs[i + 4].channel == NULL) {
        join(i + 4, 1);
    }
}


START_TEST(wake_may_do_anything)
{
    begin(4, 1, leave_itself);
    publish("abcd");
    ck_assert_ptr_null(channel.first);

    begin(4, 1, leave_and_join);
    publish("abcd");
    publish("abcd");

    begin(5, 1, leave_the_next);
    publish("ace");
    publish("ace");

    begin(4, 1, leave_all);
    publish("a");
    ck_assert_ptr_null(channel.first);
    ck_assert_ptr_null(channel.last);

    begin(8, 1, leave_all_and_join);
    publish("a");
    publish("h");

    begin(4, 1, bring_one_in);
    publish("abcd");
    publish("aebfcgdh");

    begin(4, 0, leave_and_join);
    gmchat_channel_begin(&channel);
    ck_assert_str_eq(woken, "ABCD");
}
END_TEST


static void
wait_again(size_t i)
{
    leave(i);
    join(i, 0);
}


/* One that comes back at once is not woken for ever. */
START_TEST(no_circle)
{
    begin(4, 0, wait_again);
    gmchat_channel_begin(&channel);
    ck_assert_str_eq(woken, "ABCD");
    gmchat_channel_look(&channel);
    ck_assert_str_eq(woken, "ABCDABCD");
}
END_TEST


/* The numbers of turns come round. */
START_TEST(many_turns)
{
    begin(2, 1, NULL);
    channel.turn = UINT32_MAX - 1;
    publish("ab");
    publish("ab");
    publish("ab");
    join(2, 1);
    publish("abc");
}
END_TEST


static uint64_t  seed = 15;
static unsigned  expected;      /* subs that are still to be woken */


static void
at_random(size_t i)
{
    size_t  n;

    ck_assert(expected & 1u << i);
    expected &= ~(1u << i);

    for (n = check_random_below(&seed, 4); n > 0; n--) {
        i = check_random_below(&seed, SUBS);

        if (subs[i].channel) {
            leave(i);
            expected &= ~(1u << i);

        } else {
            join(i, 1);
        }
    }
}


START_TEST(random_turns)
{
    size_t         turn, i;
    gmchat_sub_t  *sub, *last;

    static const gmchat_str_t  message = gmchat_string("m");

    begin(SUBS, 1, at_random);

    for (turn = 0; turn < 20000; turn++) {
        expected = 0;

        for (i = 0; i < SUBS; i++) {
            expected |= subs[i].channel ? 1u << i : 0;
        }

        memset(woken, 0, sizeof(woken));
        gmchat_channel_message(&channel, &message);
        ck_assert_uint_eq(expected, 0);

        for (i = 0, last = NULL, sub = channel.first; sub; sub = sub->next) {
            ck_assert_ptr_eq(sub->prev, last);
            ck_assert_ptr_eq(sub->channel, &channel);
            last = sub;
            i++;
        }

        ck_assert_ptr_eq(channel.last, last);

        if (i < SUBS / 2) {
            for (i = 0; i < SUBS; i++) {
                if (subs[i].channel == NULL) {
                    join(i, 1);
                }
            }
        }
    }
}
END_TEST


START_TEST(confirmations)
{
    begin(0, 0, NULL);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), -1);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 0), -1);

    gmchat_channel_sent(&channel, 1);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 0), -1);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 1);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), -1);

    /* left, and joined again before that was confirmed */

    gmchat_channel_sent(&channel, 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    gmchat_channel_sent(&channel, 1);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 0), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 1);

    /* joined, left and joined again before any was confirmed */

    begin(0, 0, NULL);
    gmchat_channel_sent(&channel, 1);
    gmchat_channel_sent(&channel, 0);
    gmchat_channel_sent(&channel, 1);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 0), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 1);

    gmchat_channel_sent(&channel, 0);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 0), 0);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);

    /* what was sent on a connection is gone with it */

    gmchat_channel_sent(&channel, 1);
    gmchat_channel_lost(&channel);
    ck_assert_int_eq(gmchat_channel_confirm(&channel, 1), -1);
    ck_assert_int_eq(gmchat_channel_confirmed(&channel), 0);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_channel");

    tcase_add_test(tc, in_the_order_of_joining);
    tcase_add_test(tc, waiting);
    tcase_add_test(tc, wake_may_do_anything);
    tcase_add_test(tc, no_circle);
    tcase_add_test(tc, many_turns);
    tcase_add_test(tc, random_turns);
    tcase_add_test(tc, confirmations);

    return check_end();
}
