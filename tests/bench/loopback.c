/* LD_PRELOAD for Janus, which never uses loopback interfaces: shows `lo` as an ordinary one. It changes nothing else, and
 * costs nothing for a packet. */
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
