/* LD_PRELOAD for Janus, which never uses interfaces marked as loopback: shows `lo` as an ordinary one. Nothing else
 * changes, and nothing a packet. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>

int getifaddrs(struct ifaddrs **list) {
    int (*real)(struct ifaddrs **) = (int (*)(struct ifaddrs **))dlsym(RTLD_NEXT, "getifaddrs");
    int result = real(list);
    for (struct ifaddrs *one = result ? NULL : *list; one; one = one->ifa_next) one->ifa_flags &= ~IFF_LOOPBACK;
    return result;
}
