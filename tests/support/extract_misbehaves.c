/* A helper gone wrong: the real protocol and the real sandbox, and then what the document says.
 *
 * "open", "socket" and so on answer with the text "refused" or "allowed"; "loop", "crash",
 * "garbage" and so on break the exchange. With MISBEHAVE as its name it does not even begin well:
 * see main().
 */
#include "ingest/extract/helper/sandbox.h"
#include "ingest/extract/helper/serve.h"
#include "ingest/extract/protocol.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static gboolean try_open(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static gboolean try_create(void)
{
    return open("/tmp/extract_misbehaves", O_WRONLY | O_CREAT, 0600) >= 0;
}

/* The file was opened before the sandbox. */
static gboolean try_write(void)
{
    return write(STDERR_FILENO, "x", 1) >= 0;
}

static gboolean try_send_file(void)
{
    struct iovec vector = {(void *)"x", 1};

    return writev(EXTRACT_FD, &vector, 1) >= 0 || pwrite(STDERR_FILENO, "x", 1, 0) >= 0;
}

static gboolean try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static gboolean try_fork(void)
{
    return syscall(SYS_fork) >= 0 || syscall(SYS_vfork) >= 0 ||
           syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) >= 0 ||
           syscall(SYS_clone3, NULL, 0) >= 0;
}

static gboolean try_exec(void)
{
    char *const arguments[] = {(char *)"true", NULL};

    return execve("/bin/true", arguments, NULL) == 0;
}

static gboolean try_kill(void)
{
    return kill(getppid(), 0) == 0 || kill(1, 0) == 0 || kill(0, 0) == 0;
}

static gboolean try_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static gboolean try_executable_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ||
           mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static gboolean try_memory(void)
{
    return mmap(NULL, 2ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static gboolean try_limits(void)
{
    const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};

    return setrlimit(RLIMIT_AS, &more) == 0 || setrlimit(RLIMIT_FSIZE, &more) == 0;
}

static const struct {
    const char *name;
    gboolean (*try)(void);
} attempts[] = {
    {"open", try_open},     {"create", try_create},
    {"write", try_write},   {"writev", try_send_file},
    {"socket", try_socket}, {"fork", try_fork},
    {"exec", try_exec},     {"kill", try_kill},
    {"ptrace", try_trace},  {"mmap-exec", try_executable_memory},
    {"memory", try_memory}, {"limits", try_limits},
};

static void send_bytes(const void *bytes, gsize len)
{
    if (write(EXTRACT_FD, bytes, len) != (gssize)len)
        _exit(EXIT_FAILURE);
}

static void send_frame(ExtractFrameKind kind, guint32 number)
{
    guint8 bytes[EXTRACT_FRAME_LEN];

    extract_frame_format(&(ExtractFrame){.kind = kind, .number = number}, bytes);
    send_bytes(bytes, sizeof bytes);
}

static void eat_memory(void)
{
    for (;;)
        memset(g_malloc(1 << 20), 1, 1 << 20);
}

static void talk_without_end(void)
{
    for (;;)
        send_frame(EXTRACT_FRAME_BREAK, 0);
}

static void loop(void)
{
    for (volatile guint i = 0;; i++)
        continue;
}

static void sleep_on(void)
{
    guint8 byte;

    while (read(EXTRACT_FD, &byte, 1) > 0)
        continue;
}

static void send_bad_text(void)
{
    send_frame(EXTRACT_FRAME_TEXT, 2);
    send_bytes("\xc3(", 2);
    send_frame(EXTRACT_FRAME_END, 0);
}

/* More than was asked for. */
static void send_much_text(void)
{
    static const char text[4096] = {[0 ... 4095] = 'x'};

    for (guint i = 0; i < 64; i++) {
        send_frame(EXTRACT_FRAME_TEXT, sizeof text);
        send_bytes(text, sizeof text);
    }
    send_frame(EXTRACT_FRAME_END, 0);
}

static void send_garbage(void)
{
    send_bytes("garbage!", 8);
}

/* An answer, and one to a question that was not asked yet. */
static void send_twice(void)
{
    guint8 bytes[2 * EXTRACT_FRAME_LEN];
    const ExtractFrame end = {.kind = EXTRACT_FRAME_END, .number = INGEST_EXTRACT_UNKNOWN};

    extract_frame_format(&end, bytes);
    extract_frame_format(&end, bytes + EXTRACT_FRAME_LEN);
    send_bytes(bytes, sizeof bytes);
}

static void send_failed(void)
{
    send_frame(EXTRACT_FRAME_END, INGEST_EXTRACT_FAILED);
}

static void send_ready(void)
{
    send_frame(EXTRACT_FRAME_READY, EXTRACT_PROTOCOL_VERSION);
}

static const struct {
    const char *name;
    void (*break_it)(void);
} breaks[] = {
    {"crash", abort},           {"loop", loop},
    {"sleep", sleep_on},        {"eat", eat_memory},
    {"talk", talk_without_end}, {"bad-utf8", send_bad_text},
    {"much", send_much_text},   {"garbage", send_garbage},
    {"failed", send_failed},    {"ready", send_ready},
    {"twice", send_twice},
};

static IngestExtractOutcome misbehave(ExtractRun *run, const ExtractDocument *document)
{
    g_autofree char *wish = g_strndup(document->bytes, document->len);

    for (gsize i = 0; i < G_N_ELEMENTS(attempts); i++) {
        if (strcmp(attempts[i].name, wish) == 0)
            extract_text_out_add_string(run->out, attempts[i].try() ? "allowed" : "refused");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(breaks); i++) {
        if (strcmp(breaks[i].name, wish) == 0)
            breaks[i].break_it();
    }
    if (strcmp(wish, "partly") == 0) {
        for (guint i = 0; i < 10000; i++)
            extract_text_out_add_string(run->out, "what came before ");
        abort();
    }

    return INGEST_EXTRACT_TEXT;
}

/* By name: one that finds no sandbox, one that never says that it is ready. */
int main(int argc, char **argv)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

    if (self != NULL && g_str_has_suffix(self, "-no-sandbox"))
        return EXTRACT_EXIT_NO_SANDBOX;
    if (self != NULL && g_str_has_suffix(self, "-silent"))
        sleep_on();
    if (!extract_sandbox_enter(EXTRACT_FD))
        return EXTRACT_EXIT_NO_SANDBOX;
    return extract_serve(EXTRACT_FD, misbehave) ? EXIT_SUCCESS : EXIT_FAILURE;
}
