/* The packet path of the load generator. Python does ICE and DTLS, and hands over connected UDP sockets with SRTP keys.
 *
 * One thread, pinned to a core, sends packetised clips on schedule, receives, and checks every sequence number. It
 * decrypts one packet in `sample_every`, compares it with the clip, and measures its latency from a stamp in the payload
 * to the kernel's receive time. It sends RTCP once a second for each client, and transport-wide feedback twenty times a
 * second, as a browser does, where packets are numbered. Datagrams that are neither RTP nor RTCP go to Python.
 *
 * What far rooms and supervisors get is counted apart, and so are sound and pictures. A frame is good when all of it came,
 * in order, and it is a keyframe or follows the frame before it; any other would be shown damaged.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 4096, MAX_STREAMS = 4096, MAX_HEARD = 8, MAX_CLIPS = 4, MAX_LATENCIES = 1 << 22 };
enum { PACKET = 2048, BATCH = 32, HEADER = 12, STAMP = 24, MARK = 0x48554a49, SECOND = 1000000000, PATIENCE = SECOND / 50 };
enum { IDR = 5, FU_A = 28 }; /* NAL units and RTP payloads of H.264 */
enum { NAP = SECOND / 10000, LATE = SECOND / 500 }; /* the pause while nothing is due; the delay of a late packet */
enum { FEEDBACKS = 20, MAX_NAMED = 256, TICKS = 4000 }; /* reports a second, packets each, ticks of their times a second */
enum { SR = 200, RR = 201, SDES = 202, RTPFB = 205, PSFB = 206, SDES_SIZE = 16, SR_SIZE = 28, BLOCK = 24 };

typedef struct { /* media to send over and over, one entry a packet */
    int count;
    uint8_t *data, *marker;
    int *offset, *length;
    int64_t *at, duration; /* nanoseconds from the clip's beginning */
    uint32_t *timestamp, ticks, frame, keyframe; /* ticks between two frames and two keyframes; 0 for sound */
} Clip;

typedef struct { /* an SSRC that a client receives */
    uint32_t ssrc, first, newest; /* extended sequence numbers */
    uint64_t received, repeated;
    uint32_t base, timestamp; /* of the first frame, which is a keyframe, and of the present one */
    int begun, open, whole, good; /* whether the present frame is whole so far, and the last one was good */
    int64_t moved; /* when the last good frame was complete */
} Heard;

typedef struct {
    int socket, heard_count;
    srtp_t inbound, outbound;
    Heard heard[MAX_HEARD];
    int group, types[2]; /* 0 a far room, 1 a supervisor; payload types of sound and picture */
    int numbering, named, begun; /* header extension with transport-wide numbers; how many from `first` to report */
    uint16_t first;
    uint8_t feedbacks;
    int64_t arrived[MAX_NAMED];
} Client;

typedef struct { /* an SSRC that a client sends */
    int client, clip, position, rounds, begun, playing;
    uint8_t payload_type;
    uint32_t ssrc, seq, timestamp, packets, octets;
    int64_t origin, due;
} Stream;

typedef struct { /* also in generator.py */
    uint64_t sent, received, missing, repeated, sampled, undecryptable, altered, refused, rtcp, pli, nack, late, streams;
    uint64_t latencies, sent_of[2], frames_sent, got[2][2], frames[2], damaged[2], still; /* by group, then by kind */
    double cpu_seconds;
} Counts;

static Clip clips[MAX_CLIPS];
static Client clients[MAX_CLIENTS];
static Stream streams[MAX_STREAMS];
static int client_count, stream_count, queue[MAX_STREAMS], queued, control, sample_every, busy;
static int events;
static uint32_t *latencies;
static Counts counts;
static volatile int running;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t wall(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (int64_t)SECOND + now.tv_nsec;
}

static void put16(uint8_t *at, uint32_t value) { at[0] = value >> 8, at[1] = value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value & 0xffff); }
static uint32_t get16(const uint8_t *at) { return at[0] << 8 | at[1]; }
static uint32_t get32(const uint8_t *at) { return get16(at) << 16 | get16(at + 2); }

/* --- a queue of streams by the time of their next packet (binary heap) --- */

static int earlier(int a, int b) { return streams[queue[a]].due < streams[queue[b]].due; }

static void swap(int a, int b) {
    int kept = queue[a];
    queue[a] = queue[b], queue[b] = kept;
}

static void rise(int i) {
    for (; i && earlier(i, (i - 1) / 2); i = (i - 1) / 2) swap(i, (i - 1) / 2);
}

static void sink(int i) {
    for (;;) {
        int least = i;
        for (int child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < queued && earlier(child, least)) least = child;
        if (least == i) return;
        swap(i, least), i = least;
    }
}

/* --- sending --- */

/* The time of the next packet. A generator that was kept from its core shifts the rest instead of sending a burst. */
static void schedule(Stream *s, int64_t now) {
    s->due = s->origin + s->rounds * clips[s->clip].duration + clips[s->clip].at[s->position];
    int64_t late = now - s->due;
    counts.late += late > LATE;
    if (late > PATIENCE) s->origin += late, s->due += late;
}

static void send_out(Client *c, const uint8_t *packet, int size) {
    if (send(c->socket, packet, size, MSG_DONTWAIT) < 0) counts.refused++;
}

/* Whether a payload of H.264 is of a keyframe. Those are sent as they are, without a stamp: the recorder decodes one now
 * and then, while of other pictures it reads the beginning only. */
static int of_keyframe(const uint8_t *payload) {
    int kind = payload[0] & 31;
    return (kind == FU_A ? payload[1] & 31 : kind) == IDR;
}

static void send_packet(int id) {
    Stream *s = &streams[id];
    Clip *clip = &clips[s->clip];
    Client *c = &clients[s->client];
    uint8_t packet[PACKET];
    int64_t now = wall();
    int i = s->position, payload = clip->length[i], size = HEADER + payload;
    packet[0] = 0x80, packet[1] = s->payload_type | (clip->marker[i] ? 0x80 : 0);
    put16(packet + 2, s->seq & 0xffff);
    put32(packet + 4, s->timestamp + s->rounds * clip->ticks + clip->timestamp[i]);
    put32(packet + 8, s->ssrc);
    memcpy(packet + HEADER, clip->data + clip->offset[i], payload);
    if (payload >= 64 && !of_keyframe(packet + HEADER)) {
        uint32_t what[4] = {MARK, id, i, s->seq};
        memcpy(packet + size - STAMP, what, 16), memcpy(packet + size - 8, &now, 8);
    }
    if (srtp_protect(c->outbound, packet, &size) == 0) send_out(c, packet, size);
    counts.sent++, s->packets++, s->seq++, s->octets += payload;
    counts.sent_of[clip->frame != 0]++, counts.frames_sent += clip->frame && clip->marker[i];
    if (++s->position == clip->count) s->position = 0, s->rounds++;
    schedule(s, now);
}

static int end_of_compound(uint8_t *at, uint32_t ssrc) { /* SDES with a CNAME */
    memset(at, 0, SDES_SIZE);
    at[0] = 0x81, at[1] = SDES, at[3] = 3, at[8] = 1, at[9] = 4;
    put32(at + 4, ssrc), memcpy(at + 10, "load", 4);
    return SDES_SIZE;
}

static void send_rtcp(Client *c, uint8_t *packet, int size) {
    if (srtp_protect_rtcp(c->outbound, packet, &size) == 0) send_out(c, packet, size);
}

static void report_sender(Stream *s) {
    uint8_t packet[256] = {0x80, SR, 0, SR_SIZE / 4 - 1};
    Clip *clip = &clips[s->clip];
    int64_t now = wall();
    put32(packet + 4, s->ssrc), put32(packet + 8, now / SECOND + 2208988800u);
    put32(packet + 12, (uint32_t)((now % SECOND) * 4.294967296));
    put32(packet + 16, s->timestamp + s->rounds * clip->ticks + clip->timestamp[s->position]);
    put32(packet + 20, s->packets), put32(packet + 24, s->octets);
    send_rtcp(&clients[s->client], packet, SR_SIZE + end_of_compound(packet + SR_SIZE, s->ssrc));
}

static void report(int id) { /* the reports of client `id`, once a second */
    Client *c = &clients[id];
    for (int i = 0; i < stream_count; i++)
        if (streams[i].client == id && streams[i].playing) report_sender(&streams[i]);
    if (!c->heard_count) return;
    uint8_t packet[512] = {0};
    int size = 8;
    for (int i = 0; i < c->heard_count; i++, size += BLOCK) {
        put32(packet + size, c->heard[i].ssrc), put32(packet + size + 8, c->heard[i].newest);
    }
    packet[0] = 0x80 | c->heard_count, packet[1] = RR, packet[3] = size / 4 - 1, put32(packet + 4, 0x10000000u + id);
    send_rtcp(c, packet, size + end_of_compound(packet + size, 0x10000000u + id));
}

/* --- receiving --- */

static Heard *heard(Client *c, uint32_t ssrc, uint32_t seq) {
    for (int i = 0; i < c->heard_count; i++)
        if (c->heard[i].ssrc == ssrc) return &c->heard[i];
    if (c->heard_count == MAX_HEARD) return NULL;
    Heard *h = &c->heard[c->heard_count++];
    *h = (Heard){.ssrc = ssrc, .first = seq + 0xffff, .newest = seq + 0xffff};
    return h;
}

static void compare(Client *c, uint8_t *packet, int size, int64_t arrived) {
    uint32_t what[4];
    int64_t sent_at;
    if (srtp_unprotect(c->inbound, packet, &size) != 0) {
        counts.undecryptable++;
        return;
    }
    int start = HEADER + 4 * (packet[0] & 15);
    if (packet[0] & 0x10) start += 4 + 4 * get16(packet + start + 2);
    int payload = size - start;
    if (payload < 64 || of_keyframe(packet + start)) return; /* without a stamp */
    counts.sampled++;
    memcpy(what, packet + size - STAMP, 16), memcpy(&sent_at, packet + size - 8, 8);
    Clip *clip = what[0] == MARK && what[1] < (uint32_t)stream_count ? &clips[streams[what[1]].clip] : NULL;
    if (!clip || what[2] >= (uint32_t)clip->count || clip->length[what[2]] != payload ||
        memcmp(clip->data + clip->offset[what[2]], packet + start, payload - STAMP)) {
        counts.altered++;
        return;
    }
    int64_t took = arrived < sent_at ? 0 : arrived - sent_at;
    if (counts.latencies < MAX_LATENCIES) latencies[counts.latencies++] = took > 4 * (int64_t)SECOND ? 4000000000u : took;
}

/* The transport-wide number of a packet (RFC 8285 4.2, one-byte elements), or -1. */
static int number_of(Client *c, const uint8_t *packet, int size) {
    int at = HEADER + 4 * (packet[0] & 15);
    if (!(packet[0] & 0x10) || at + 4 > size || get16(packet + at) != 0xbede) return -1;
    int end = at + 4 + 4 * get16(packet + at + 2);
    for (at += 4; at < end && end <= size; at += packet[at] ? 2 + (packet[at] & 15) : 1)
        if (packet[at] >> 4 == c->numbering) return get16(packet + at + 1);
    return -1;
}

static void name(Client *c, int number, int64_t arrived) {
    if (!c->begun) c->first = number, c->begun = 1;
    if (!c->named && (uint16_t)(number - c->first) >= MAX_NAMED) c->first = number; /* after a pause */
    uint16_t ahead = number - c->first;
    if (ahead >= MAX_NAMED) return;
    c->arrived[ahead] = arrived;
    if (ahead >= c->named) c->named = ahead + 1;
}

/* Writes to `out` which packets arrived, in the form that Chromium uses: nearly always all did, with small deltas.
 * Returns the end. */
static uint8_t *statuses(Client *c, uint8_t *out, int small) {
    int all = small;
    for (int i = 0; i < c->named; i++) all &= c->arrived[i] != 0;
    if (all) {
        put16(out, 0x2000 | c->named);
        return out + 2;
    }
    for (int i = 0; i < c->named; i += 7, out += 2) {
        uint32_t chunk = 0xc000;
        for (int j = i; j < i + 7 && j < c->named; j++)
            chunk |= (c->arrived[j] ? small ? 1u : 2u : 0u) << (12 - 2 * (j - i));
        put16(out, chunk);
    }
    return out;
}

static void report_arrivals(int id) {
    Client *c = &clients[id];
    uint8_t packet[20 + 2 * MAX_NAMED + 2 * MAX_NAMED] = {0x80 | 15, RTPFB}, *out = packet + 20;
    int64_t began = 0, clock = 0;
    if (!c->named || !c->heard_count) return;
    for (int i = 0; i < c->named && !began; i++) began = c->arrived[i];
    int64_t reference = began / (SECOND / TICKS) / 256;
    clock = reference * 256;
    int small = 1;
    int64_t at = clock;
    for (int i = 0; i < c->named; i++) { /* nearly always all are small, and take one byte */
        int64_t delta = c->arrived[i] / (SECOND / TICKS) - at;
        if (!c->arrived[i]) continue;
        if (delta < 0 || delta > 255) small = 0;
        at += delta;
    }
    out = statuses(c, out, small);
    for (int i = 0; i < c->named; i++) {
        if (!c->arrived[i]) continue;
        int64_t delta = c->arrived[i] / (SECOND / TICKS) - clock;
        clock += delta;
        if (small) *out++ = delta;
        else put16(out, (uint16_t)delta), out += 2;
    }
    while ((out - packet) & 3) *out++ = 0;
    put16(packet + 2, (out - packet) / 4 - 1), put32(packet + 4, 0x10000000u + id), put32(packet + 8, c->heard[0].ssrc);
    put16(packet + 12, c->first), put16(packet + 14, c->named);
    packet[16] = reference >> 16, packet[17] = reference >> 8, packet[18] = reference, packet[19] = c->feedbacks++;
    c->first += c->named, c->named = 0;
    memset(c->arrived, 0, sizeof c->arrived);
    send_rtcp(c, packet, out - packet);
}

/* Follows the frames of a picture, of which a packet came that is `ahead` of the one before. */
static void follow(Client *c, Heard *h, const uint8_t *packet, int ahead, int64_t arrived) {
    const Clip *clip = &clips[0];
    uint32_t timestamp = get32(packet + 4);
    if (!h->begun) h->base = timestamp, h->timestamp = timestamp - 1, h->begun = 1, h->moved = arrived;
    if (timestamp != h->timestamp) {
        int key = (timestamp - h->base) % clip->keyframe == 0, next = timestamp - h->timestamp == clip->frame;
        counts.damaged[c->group] += h->open;
        h->whole = ahead == 1 && (key || (h->good && next));
        h->timestamp = timestamp, h->open = 1;
    } else if (ahead != 1) h->whole = 0;
    if (!(packet[1] & 0x80)) return;
    h->open = 0, h->good = h->whole;
    counts.frames[c->group] += h->whole, counts.damaged[c->group] += !h->whole;
    if (!h->whole) return;
    uint64_t still = arrived - h->moved;
    if (c->group == 1 && still > counts.still) counts.still = still;
    h->moved = arrived;
}

static void take_rtp(Client *c, uint8_t *packet, int size, int64_t arrived) {
    uint32_t seq = get16(packet + 2);
    int number = c->numbering ? number_of(c, packet, size) : -1;
    if (number >= 0) name(c, number, arrived);
    Heard *h = heard(c, get32(packet + 8), seq);
    if (!h) {
        counts.altered++;
        return;
    }
    int16_t ahead = (int16_t)(seq - h->newest);
    if (ahead > 0) h->newest += ahead;
    else if (ahead == 0) h->repeated++, counts.repeated++;
    h->received++, counts.received++;
    for (int kind = 0; kind < 2; kind++)
        if ((packet[1] & 127) == c->types[kind] && ahead != 0) {
            counts.got[c->group][kind]++;
            if (kind && ahead > 0) follow(c, h, packet, ahead, arrived);
        }
    if (seq % sample_every == 0 && size > 110) compare(c, packet, size, arrived);
}

static void take_rtcp(Client *c, uint8_t *packet, int size) {
    if (srtp_unprotect_rtcp(c->inbound, packet, &size) != 0) {
        counts.undecryptable++;
        return;
    }
    counts.rtcp++;
    for (int at = 0; at + 4 <= size; at += 4 * (get16(packet + at + 2) + 1)) {
        int format = packet[at] & 31, kind = packet[at + 1];
        counts.pli += kind == PSFB && (format == 1 || format == 4), counts.nack += kind == RTPFB && format == 1;
    }
}

static int64_t arrival(struct msghdr *header) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(c), sizeof at);
            return at.tv_sec * (int64_t)SECOND + at.tv_nsec;
        }
    return wall();
}

static void hand_to_python(int id, const uint8_t *packet, int size) {
    uint8_t message[4 + PACKET];
    memcpy(message, &id, 4), memcpy(message + 4, packet, size);
    send(control, message, 4 + size, MSG_DONTWAIT);
}

static void receive(int id) {
    static uint8_t packets[BATCH][PACKET], extras[BATCH][128];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec places[BATCH];
    for (int i = 0; i < BATCH; i++) {
        places[i] = (struct iovec){packets[i], PACKET};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1, .msg_control = extras[i], .msg_controllen = 128};
    }
    int count = recvmmsg(clients[id].socket, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        uint8_t *packet = packets[i];
        int size = messages[i].msg_len;
        if (size < HEADER || packet[0] >> 6 != 2) hand_to_python(id, packet, size);
        else if (packet[1] >= 192 && packet[1] < 224) take_rtcp(&clients[id], packet, size);
        else take_rtp(&clients[id], packet, size, arrival(&messages[i].msg_hdr));
    }
}

/* --- the thread --- */

/* Gives the thread real-time priority over other processes on its core, such as the recorder. Without the permission,
 * the kernel's scheduling decides how even the load is; `late` counts the effect. */
static void be_punctual(void) {
    struct sched_param first = {.sched_priority = 1};
    pthread_setschedparam(pthread_self(), SCHED_RR, &first);
    prctl(PR_SET_TIMERSLACK, 1000UL);
}

static void *work(void *unused) {
    const struct timespec nap = {0, NAP};
    be_punctual();
    struct epoll_event ready[128];
    int64_t next_report = wall(), next_feedback = next_report;
    int reporter = 0, feeder = 0;
    while (running) {
        pthread_mutex_lock(&lock);
        int64_t now = wall();
        for (int sent = 0; sent < 64 && queued && streams[queue[0]].due <= now; sent++) send_packet(queue[0]), sink(0);
        if (client_count && now >= next_report) {
            report(reporter++ % client_count);
            next_report = (next_report < now - SECOND / 10 ? now : next_report) + SECOND / client_count;
        }
        for (int sent = 0; sent < 64 && client_count && now >= next_feedback; sent++) {
            report_arrivals(feeder++ % client_count);
            next_feedback = (next_feedback < now - SECOND / 10 ? now : next_feedback) + SECOND / FEEDBACKS / client_count;
        }
        int64_t rest = queued ? streams[queue[0]].due - wall() : SECOND / 500;
        pthread_mutex_unlock(&lock);
        rest = rest < 0 ? 0 : rest > SECOND / 500 ? SECOND / 500 : rest;
        struct timespec pause = {0, busy ? 0 : rest};
        int count = epoll_pwait2(events, ready, 128, &pause, NULL);
        if (busy && !count && rest > NAP / 2) nanosleep(&nap, NULL);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < count; i++) receive(ready[i].data.u32);
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

/* --- functions that Python calls --- */

static void *copy_of(const void *from, size_t size) { return memcpy(malloc(size), from, size); }

static srtp_t context(const uint8_t *key, int profile, srtp_ssrc_type_t which) {
    srtp_policy_t policy = {.key = (uint8_t *)key, .window_size = 1024, .allow_repeat_tx = 1, .ssrc.type = which};
    srtp_t made;
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile);
    return srtp_create(&made, &policy) == 0 ? made : NULL;
}

void generator_open(int control_socket, int sample, int cpu) {
    srtp_init();
    events = epoll_create1(0), control = control_socket, sample_every = sample, running = 1;
    latencies = malloc(sizeof *latencies * (size_t)MAX_LATENCIES);
    pthread_create(&thread, NULL, work, NULL);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(cpu, &cores);
    pthread_setaffinity_np(thread, sizeof cores, &cores);
}

/* Stops, and removes every client and stream. Python closes the sockets. */
void generator_close(void) {
    running = 0;
    pthread_join(thread, NULL);
    for (int i = 0; i < client_count; i++) srtp_dealloc(clients[i].inbound), srtp_dealloc(clients[i].outbound);
    client_count = stream_count = queued = 0;
    close(events), free(latencies);
}

void generator_clip(int id, int count, const uint8_t *data, int size, const int *offset, const int *length,
                    const int64_t *at, const uint32_t *timestamp, const uint8_t *marker, int64_t duration, uint32_t ticks,
                    uint32_t frame, uint32_t keyframe) {
    clips[id] = (Clip){count, copy_of(data, size), copy_of(marker, count), copy_of(offset, count * sizeof *offset),
                       copy_of(length, count * sizeof *length), copy_of(at, count * sizeof *at), duration,
                       copy_of(timestamp, count * sizeof *timestamp), ticks, frame, keyframe};
}

int generator_client(int socket, const uint8_t *theirs, const uint8_t *ours, int profile, int numbering, int group,
                     int sound, int picture) {
    int on = 1, buffer = 1 << 20;
    srtp_t inbound = context(theirs, profile, ssrc_any_inbound), outbound = context(ours, profile, ssrc_any_outbound);
    if (client_count == MAX_CLIENTS || !inbound || !outbound) return -1;
    setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    pthread_mutex_lock(&lock);
    int id = client_count++;
    clients[id] = (Client){.socket = socket, .inbound = inbound, .outbound = outbound, .numbering = numbering,
                            .group = group, .types = {sound, picture}};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = id};
    epoll_ctl(events, EPOLL_CTL_ADD, socket, &event);
    pthread_mutex_unlock(&lock);
    return id;
}

int generator_stream(int client, int clip, uint32_t ssrc, int payload_type) {
    if (stream_count == MAX_STREAMS) return -1;
    streams[stream_count] = (Stream){.client = client, .clip = clip, .ssrc = ssrc, .payload_type = payload_type,
                                     .seq = 1 + rand() % 16384, .timestamp = rand()};
    return stream_count++;
}

/* Lets the first `count` streams send, and stops the others. Each stream begins its clip at a moment of its own. */
void generator_play(int count, int64_t spread) {
    pthread_mutex_lock(&lock);
    int64_t now = wall();
    queued = 0;
    for (int i = 0; i < stream_count; i++) {
        Stream *s = &streams[i];
        if (i < count && !s->playing) {
            if (!s->begun) s->due = now + spread * rand() / RAND_MAX;
            else if (s->due < now || s->due > now + SECOND / 10) s->due = now + (int64_t)(SECOND / 30) * rand() / RAND_MAX;
            s->origin = s->due - s->rounds * clips[s->clip].duration - clips[s->clip].at[s->position];
            s->begun = 1;
        }
        s->playing = i < count;
        if (s->playing) queue[queued] = i, rise(queued++);
    }
    pthread_mutex_unlock(&lock);
}

void generator_busy(int on) { busy = on; }

void generator_reset(void) {
    pthread_mutex_lock(&lock);
    struct timespec used;
    clockid_t clock;
    pthread_getcpuclockid(thread, &clock), clock_gettime(clock, &used);
    counts = (Counts){.cpu_seconds = -(used.tv_sec + used.tv_nsec * 1e-9)};
    for (int i = 0; i < client_count; i++)
        for (int j = 0; j < clients[i].heard_count; j++) {
            Heard *h = &clients[i].heard[j];
            h->first = h->newest, h->received = h->repeated = 0, h->moved = wall();
        }
    pthread_mutex_unlock(&lock);
}

/* Counts since the reset, and the latencies in nanoseconds where `into` is not NULL. */
void generator_read(Counts *out, uint32_t *into, uint64_t room) {
    pthread_mutex_lock(&lock);
    struct timespec used;
    clockid_t clock;
    pthread_getcpuclockid(thread, &clock), clock_gettime(clock, &used);
    *out = counts, out->cpu_seconds += used.tv_sec + used.tv_nsec * 1e-9;
    for (int i = 0; i < client_count; i++)
        for (int j = 0; j < clients[i].heard_count; j++) {
            Heard *h = &clients[i].heard[j];
            uint64_t expected = h->newest - h->first, kept = h->received - h->repeated;
            out->streams += h->received > 0, out->missing += expected > kept ? expected - kept : 0;
        }
    if (into) memcpy(into, latencies, 4 * (room < counts.latencies ? room : counts.latencies));
    pthread_mutex_unlock(&lock);
}
