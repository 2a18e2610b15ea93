/*
 * What is printed: a line "name value" for each figure.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "push.h"


/* CPU time of a process of one thread: schedstat has nanoseconds, where the
 * kernel counts them; stat has the clock's ticks. */

static double
cpu_of(const char *pid)
{
    char                path[64], line[1024], *p;
    FILE               *file;
    unsigned long       user, system;
    unsigned long long  ns;

    snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
    file = fopen(path, "r");

    if (file) {
        if (fscanf(file, "%llu", &ns) != 1) {
            ns = 0;
        }

        fclose(file);

        if (ns) {
            return (double) ns / 1e9;
        }
    }

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "r");

    if (file == NULL || fgets(line, sizeof(line), file) == NULL
        || (p = strrchr(line, ')')) == NULL
        || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                  &user, &system) != 2)
    {
        die("%s cannot be read", path);
    }

    fclose(file);

    return (double) (user + system) / (double) sysconf(_SC_CLK_TCK);
}


usage_t
usage(void)
{
    usage_t        u;
    struct rusage  self;

    getrusage(RUSAGE_SELF, &self);

    u.at = clock_ns();
    u.client = (double) (self.ru_utime.tv_sec + self.ru_stime.tv_sec)
               + (double) (self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    u.nginx = cpu_of(run.nginx);
    u.redis = cpu_of(run.redis);

    return u;
}


static int
compare(const void *one, const void *two)
{
    int64_t  a = *(const int64_t *) one, b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}


/* The delays, in ns, are sorted; said are microseconds. */

void
report_delays(const char *name, int64_t *delays, uint32_t n)
{
    int  i;

    static const struct {
        const char  *name;
        double       part;
    } parts[] = {
        { "p50", 0.5 }, { "p99", 0.99 }, { "p999", 0.999 }, { "max", 1 }
    };

    if (n == 0) {
        die("nothing was counted");
    }

    qsort(delays, n, sizeof(int64_t), compare);

    for (i = 0; i < (int) (sizeof(parts) / sizeof(parts[0])); i++) {
        printf("%s_%s %.1f\n", name, parts[i].name,
               (double) delays[(uint32_t) (parts[i].part * (n - 1) + 0.5)]
               / 1e3);
    }
}


/* In percent of one core */

void
report_usage(const usage_t *from, const usage_t *to)
{
    double  part;

    part = 100 / ((double) (to->at - from->at) / 1e9);

    printf("client %.2f\nnginx %.2f\nredis %.2f\n",
           part * (to->client - from->client),
           part * (to->nginx - from->nginx), part * (to->redis - from->redis));
}
