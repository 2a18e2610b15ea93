/*
 * A game server's side of the chat: long polls that acknowledge, and sends
 * that are safe to repeat.  A thread for each, libcurl and jansson.
 *
 *     cc -pthread -o game_server game_server.c \
 *        $(pkg-config --cflags --libs libcurl jansson)
 *     ./game_server http://127.0.0.1:8080 1001
 *
 * What happens is printed, each as a line of JSON.  Lines "uid text" of stdin
 * are what players write.  SIGTERM and SIGINT end it.
 */

#include <curl/curl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>


/* Below the time after which proxies and NATs forget a silent connection. */
#define WAIT_SECONDS  25

/* An answer that is that much late does not come any more. */
#define LATE_SECONDS  10


typedef struct {
    char    *text;
    size_t   len;
} body_t;


static char         url[512];
static const char  *host;
static atomic_int   stopping;
static int          stop_fd;    /* readable once we are to stop */


/* Waits until there is something to read; where fd is -1, for the time. */

static int
wait_for(int fd, int ms)
{
    struct pollfd  fds[] = { { stop_fd, POLLIN, 0 }, { fd, POLLIN, 0 } };

    return poll(fds, 2, ms) > 0 && !stopping;
}


/* At random within a span that doubles up to 10 s: who lost the bridge at the
 * same moment does not come back at the same moment. */

static void
back_off(unsigned failures)
{
    long  span = failures < 7 ? 100L << failures : 10000;

    wait_for(-1, random() % span);
}


static void
print_event(const char *event, json_t *data)
{
    char    *text;
    json_t  *line = json_pack("{s:s}", "event", event);

    json_object_update(line, data);
    text = json_dumps(line, JSON_COMPACT);
    printf("%s\n", text);
    free(text);
    json_decref(line);
}


static size_t
collect(char *data, size_t size, size_t n, void *arg)
{
    body_t  *body = arg;
    char    *text = realloc(body->text, body->len + size * n);

    if (text == NULL) {
        return 0;
    }

    memcpy(text + body->len, data, size * n);
    body->text = text;
    body->len += size * n;

    return size * n;
}


static int
is_cut_short(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void) arg, (void) a, (void) b, (void) c, (void) d;

    return stopping;
}


/* One call, a POST of JSON.  NULL: no answer.  What is no JSON comes from
 * something in between and is no answer, either.  A call that waits ends when
 * we are to stop. */

static json_t *
call_bridge(CURL *curl, json_t *params, long wait)
{
    char               *request = json_dumps(params, JSON_COMPACT);
    body_t              body = { NULL, 0 };
    json_t             *reply = NULL;
    CURLcode            rc;
    struct curl_slist  *type;

    type = curl_slist_append(NULL, "Content-Type: application/json");

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, type);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 3L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, wait + LATE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_cut_short);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, wait == 0 ? 1L : 0L);

    rc = curl_easy_perform(curl);

    if (rc == CURLE_OK && body.len > 0) {
        reply = json_loadb(body.text, body.len, 0, NULL);
    }

    if (rc != CURLE_ABORTED_BY_CALLBACK
        && (json_object_get(reply, "res") == NULL
            || json_object_get(reply, "errno") != NULL))
    {
        fprintf(stderr, "%s: %.*s\n", curl_easy_strerror(rc), (int) body.len,
                body.len ? body.text : "");
    }

    curl_slist_free_all(type);
    free(body.text);
    free(request);

    return reply;
}


static json_t *
poll_bridge(CURL *curl, const char *action, const char *ack, long wait)
{
    json_t  *params, *reply;

    params = json_pack("{s:s,s:s,s:s,s:s,s:I}", "action", action,
                       "host", host, "format", "json", "ack", ack,
                       "wait", (json_int_t) wait);
    reply = call_bridge(curl, params, wait);
    json_decref(params);

    return reply;
}


/* Relations, or messages, until the end.  The cursor moves on when all in a
 * reply is dealt with, and goes out with the next poll: who dies in between
 * gets it again. */

static void *
keep_polling(void *action)
{
    CURL        *curl = curl_easy_init();
    char        *ack = strdup("");
    size_t       i;
    time_t       began;
    json_t      *reply, *data, *item;
    unsigned     failures = 0;
    const char  *cursor;

    while (!stopping) {
        began = time(NULL);
        reply = poll_bridge(curl, action, ack, WAIT_SECONDS);
        cursor = json_string_value(json_object_get(reply, "cursor"));

        if (cursor == NULL) {
            json_decref(reply);
            back_off(failures++);
            continue;
        }

        data = json_object_get(reply, "data");
        json_array_foreach(data, i, item) {
            print_event(strcmp(action, "receive") ? "relation" : "message",
                        item);
        }

        free(ack);
        ack = strdup(cursor);
        failures = 0;

        /* Sent away early, with nothing: nginx is told to go, and all who
         * waited there come back now. */

        if (i == 0 && time(NULL) - began < WAIT_SECONDS - 1) {
            back_off(4);
        }

        json_decref(reply);
    }

    /* Acknowledged now, it does not come again when we are back. */

    json_decref(poll_bridge(curl, action, ack, 0));

    free(ack);
    curl_easy_cleanup(curl);

    return NULL;
}


/* Again with the same msgid after -5 (the store is away), -6 and no answer
 * (nobody knows) and -9 (too many calls).  Else the player may be told. */

static void
send_message(CURL *curl, const char *uid, json_t *params)
{
    json_t    *reply, *res;
    unsigned   failures = 0;
    int        code;

    do {
        reply = call_bridge(curl, params, 0);
        res = json_object_get(reply, "res");
        code = json_integer_value(json_object_get(reply, "errno"));

        if (res != NULL && code != -5 && code != -6 && code != -9) {
            json_object_set_new(reply, "uid", json_string(uid));
            print_event(json_integer_value(res) ? "sent" : "refused", reply);
            json_decref(reply);
            return;
        }

        json_decref(reply);
        back_off(failures++);
    } while (!stopping);
}


/* One message at a time keeps the order of each player. */

static void *
keep_sending(void *run_id)
{
    CURL           *curl = curl_easy_init();
    char           *line = NULL, *text, msgid[64];
    size_t          size = 0;
    json_t         *params;
    unsigned long   n = 0;

    while (wait_for(STDIN_FILENO, -1) && getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        text = strchr(line, ' ');
        if (text == NULL) {
            fprintf(stderr, "not \"uid text\": %s\n", line);
            continue;
        }

        *text++ = '\0';
        snprintf(msgid, sizeof(msgid), "%s-%lu", (char *) run_id, ++n);
        params = json_pack("{s:s,s:s,s:s,s:s}", "action", "send", "uid", line,
                           "text", text, "msgid", msgid);
        if (params == NULL) {
            fprintf(stderr, "what %s writes is not UTF-8\n", line);
            continue;
        }

        send_message(curl, line, params);
        json_decref(params);
    }

    free(line);
    curl_easy_cleanup(curl);

    return NULL;
}


/* A msgid is used once in 24 hours: other ones in each run. */

static void
choose_run_id(char *run_id, size_t size)
{
    unsigned long  id;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
        perror("getrandom");
        exit(1);
    }

    snprintf(run_id, size, "%016lx", id);
    srandom((unsigned) id);
}


int
main(int argc, char **argv)
{
    int        signal;
    char       run_id[17];
    sigset_t   signals;
    pthread_t  threads[3];

    if (argc != 3) {
        fprintf(stderr, "usage: game_server URL HOST\n");
        return 2;
    }

    snprintf(url, sizeof(url), "%s/gs", argv[1]);
    host = argv[2];
    choose_run_id(run_id, sizeof(run_id));

    stop_fd = eventfd(0, EFD_CLOEXEC);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);        /* poll() sees what is unread */

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    pthread_create(&threads[0], NULL, keep_polling, "relation");
    pthread_create(&threads[1], NULL, keep_polling, "receive");
    pthread_create(&threads[2], NULL, keep_sending, run_id);

    sigwait(&signals, &signal);
    stopping = 1;
    eventfd_write(stop_fd, 1);

    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }

    curl_global_cleanup();

    return 0;
}
