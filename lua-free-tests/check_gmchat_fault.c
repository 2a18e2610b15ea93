#include <stdlib.h>
#include <string.h>

#include "gmchat_fault.h"
#include "test_tools.h"


static const gmchat_fault_t *
find(const char *text, size_t len)
{
    gmchat_str_t           error;
    const gmchat_fault_t  *fault;

    error.len = len;
    error.data = check_exact(text, len);
    fault = gmchat_fault_find(&error);
    free(error.data);

    ck_assert_ptr_nonnull(fault);
    ck_assert_ptr_nonnull(fault->cause);

    return fault;
}


/* Redis' words, in its own sentences. */
START_TEST(every_class_has_its_answer)
{
    size_t                 i;
    const gmchat_fault_t  *fault;

    static const struct {
        const char                *text;
        gmchat_fault_cure_e        cure;
        gmchat_store_outcome_e     outcome;
        const char                *cause;
    } errors[] = {
        { "NOSCRIPT No matching script. Please use EVAL.",
          GMCHAT_FAULT_RERUN, GMCHAT_STORE_REFUSED, "noscript" },
        { "LOADING Redis is loading the dataset in memory",
          GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "loading" },
        { "READONLY You can't write against a read only replica.",
          GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "readonly" },
        { "MASTERDOWN Link with MASTER is down and replica-serve-stale-data "
          "is set to 'no'.",
          GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "masterdown" },
        { "NOAUTH Authentication required.",
          GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "auth" },
        { "WRONGPASS invalid username-password pair or user is disabled.",
          GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "auth" },
        { "NOPERM this user has no permissions to run the 'evalsha' command",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "noperm" },
        { "BUSY Redis is busy running a script. You can only call SCRIPT "
          "KILL or SHUTDOWN NOSAVE.",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "busy" },
        { "OOM command not allowed when used memory > 'maxmemory'.",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "oom" },
        { "MISCONF Redis is configured to save RDB snapshots, but it's "
          "currently unable to persist to disk.",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "misconf" },
        { "NOREPLICAS Not enough good replicas to write.",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "noreplicas" },
        { "MOVED 3999 127.0.0.1:6381",
          GMCHAT_FAULT_REDIRECT, GMCHAT_STORE_REFUSED, "moved" },
        { "ASK 3999 127.0.0.1:6381",
          GMCHAT_FAULT_REDIRECT, GMCHAT_STORE_REFUSED, "ask" },
        { "TRYAGAIN Multiple keys request during rehashing of slot",
          GMCHAT_FAULT_LATER, GMCHAT_STORE_REFUSED, "tryagain" },
        { "CLUSTERDOWN The cluster is down",
          GMCHAT_FAULT_LATER, GMCHAT_STORE_REFUSED, "clusterdown" },
        { "CROSSSLOT Keys in request don't hash to the same slot",
          GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "crossslot" },
        { "WRONGTYPE Operation against a key holding the wrong kind of value",
          GMCHAT_FAULT_END, GMCHAT_STORE_UNKNOWN, "wrongtype" }
    };

    for (i = 0; i < check_nelts(errors); i++) {
        fault = find(errors[i].text, strlen(errors[i].text));
        ck_assert_int_eq(fault->cure, errors[i].cure);
        ck_assert_int_eq(fault->outcome, errors[i].outcome);
        ck_assert_str_eq(fault->cause, errors[i].cause);

        /* the word alone is the same, cut or grown it is another */

        ck_assert_ptr_eq(find(fault->word, strlen(fault->word)), fault);
        ck_assert_ptr_ne(find(fault->word, strlen(fault->word) - 1), fault);
        ck_assert_ptr_ne(find(fault->word, strlen(fault->word) + 1), fault);
    }
}
END_TEST


START_TEST(others)
{
    size_t                 i;
    const gmchat_fault_t  *fault;

    static const char  *texts[] = {
        "", " ", "ERR", "ERR unknown command", "OO", "OOMS", "oom", "BUSYKEY",
        "BUSYGROUP Consumer Group name already exists", " LOADING",
        "MOVED\t1", "ASKING", "-OOM", "\xff\xfe"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        fault = find(texts[i], strlen(texts[i]));
        ck_assert_ptr_null(fault->word);
        ck_assert_int_eq(fault->cure, GMCHAT_FAULT_END);
        ck_assert_int_eq(fault->outcome, GMCHAT_STORE_UNKNOWN);
    }
}
END_TEST


/* How a call ends that was answered with a text. */
static gmchat_store_outcome_e
outcome(const char *text)
{
    gmchat_str_t            error;
    gmchat_store_outcome_e  seen;

    error.len = strlen(text);
    error.data = check_exact(text, error.len);
    seen = gmchat_fault_outcome(gmchat_fault_find(&error), &error);
    free(error.data);

    return seen;
}


/* Before a script nothing was done; within one, something may have been. */
START_TEST(outside_and_inside_a_script)
{
    size_t  i;

    static const struct {
        const char              *text;
        gmchat_store_outcome_e   outcome;
    } errors[] = {
        { "NOPERM this user has no permissions to run the 'evalsha' command",
          GMCHAT_STORE_REFUSED },
        { "NOPERM this user has no permissions to access one of the keys",
          GMCHAT_STORE_REFUSED },
        { "NOPERM this user has no permissions to run the 'publish' command "
          "script: 5a1c, on @user_script:37.", GMCHAT_STORE_UNKNOWN },
        { "NOSCRIPT No matching script. Please use EVAL.",
          GMCHAT_STORE_REFUSED },
        { "NOSCRIPT No matching script. script: 5a1c, on @user_script:1.",
          GMCHAT_STORE_UNKNOWN },

        /* these Redis checks before a script's first write, too */

        { "OOM command not allowed when used memory > 'maxmemory'. script: "
          "5a1c, on @user_script:41.", GMCHAT_STORE_REFUSED },
        { "READONLY You can't write against a read only replica. script: "
          "5a1c, on @user_script:41.", GMCHAT_STORE_REFUSED },
        { "MISCONF Redis is configured to save RDB snapshots script: 5a1c, "
          "on @user_script:41.", GMCHAT_STORE_REFUSED },

        { "WRONGTYPE Operation against a key holding the wrong kind of value "
          "script: 5a1c, on @user_script:12.", GMCHAT_STORE_UNKNOWN },
        { "ERR user_script:12: attempt to index a nil value script: 5a1c, on "
          "@user_script:12.", GMCHAT_STORE_UNKNOWN },

        /* as older ones put it: the script stands before the error */

        { "NOPERM Error running script (call to f_5a1c): @user_script:37: "
          "this user has no permissions", GMCHAT_STORE_UNKNOWN },

        /* a name that is cut is not there */

        { "NOPERM @user_scrip", GMCHAT_STORE_REFUSED },
        { "NOPERM @user_script", GMCHAT_STORE_UNKNOWN },
        { "NOPERM", GMCHAT_STORE_REFUSED },
        { "", GMCHAT_STORE_UNKNOWN }
    };

    for (i = 0; i < check_nelts(errors); i++) {
        ck_assert_msg(outcome(errors[i].text) == errors[i].outcome, "%s",
                      errors[i].text);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_fault");

    tcase_add_test(tc, every_class_has_its_answer);
    tcase_add_test(tc, others);
    tcase_add_test(tc, outside_and_inside_a_script);

    return check_end();
}
