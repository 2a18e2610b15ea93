#include <stdlib.h>

#include "gmchat_backoff.h"
#include "test_tools.h"


/* The longest delay of the n-th try, found by its remainder. */
static uint32_t
most(unsigned failures, uint32_t base, uint32_t cap)
{
    uint32_t  i, delay, found;

    for (found = 0, i = 0; i <= 2 * cap; i++) {
        delay = gmchat_backoff_delay(failures, base, cap, i);
        ck_assert_uint_le(delay, cap);

        if (delay > found) {
            found = delay;
        }
    }

    return found;
}


START_TEST(doubles_up_to_the_cap)
{
    unsigned  i;
    uint32_t  expected;

    for (expected = 10, i = 1; i < 20; i++) {
        ck_assert_uint_eq(most(i, 10, 1000), expected);
        expected = expected * 2 < 1000 ? expected * 2 : 1000;
    }

    ck_assert_uint_eq(most(1, 1000, 1000), 1000);
    ck_assert_uint_eq(most(1, 1001, 1000), 1000);
    ck_assert_uint_eq(most(2, 500, 1000), 1000);
    ck_assert_uint_eq(most(2, 499, 1000), 998);
    ck_assert_uint_eq(most(2, 501, 1000), 1000);
}
END_TEST


/* Full jitter: each delay from 0 on comes up. */
START_TEST(full_jitter)
{
    uint32_t  i;
    unsigned  seen[101] = { 0 };

    for (i = 0; i < 101; i++) {
        seen[gmchat_backoff_delay(1, 100, 5000, i)]++;
    }

    for (i = 0; i < 101; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
}
END_TEST


START_TEST(extremes)
{
    ck_assert_uint_eq(gmchat_backoff_delay(1, UINT32_MAX, UINT32_MAX,
                                           UINT32_MAX), UINT32_MAX);
    ck_assert_uint_eq(gmchat_backoff_delay(40, 1, UINT32_MAX, UINT32_MAX),
                      UINT32_MAX);
    ck_assert_uint_eq(gmchat_backoff_delay((unsigned) -1, 100, 5000, 5000),
                      5000);
    ck_assert_uint_eq(gmchat_backoff_delay(0, 100, 5000, 100), 100);
    ck_assert_uint_eq(gmchat_backoff_delay(3, 100, 0, UINT32_MAX), 0);
    ck_assert_uint_eq(gmchat_backoff_delay(3, 0, 5000, UINT32_MAX), 0);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_backoff");

    tcase_add_test(tc, doubles_up_to_the_cap);
    tcase_add_test(tc, full_jitter);
    tcase_add_test(tc, extremes);

    return check_end();
}
