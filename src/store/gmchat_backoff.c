#include "gmchat_backoff.h"


uint32_t
gmchat_backoff_delay(unsigned failures, uint32_t base, uint32_t cap,
    uint32_t random)
{
    uint64_t  most;

    most = base;

    while (failures > 1 && most < cap) {
        most *= 2;
        failures--;
    }

    if (most > cap) {
        most = cap;
    }

    return (uint32_t) (random % (most + 1));
}
