/* Matrix products of minibatches: small ones in parts that OpenBLAS is faster with, large ones by several threads.

   Parts. OpenBLAS copies both matrices into blocks before it multiplies them, except, with AVX-512, where m n k <=
   10^6 and, if only the first matrix is transposed, also m n <= 1200. The tutorial's products, 20 x 784 x 100, are
   1.57 * 10^6: two halves are faster than the whole, and so are parts of products up to about 4 * 10^6, or 4 * 10^7
   if the minibatch has few examples; parts of larger ones are too narrow. h W^T, whose first matrix is transposed
   here, is faster as (W h^T)^T, although h and the result are copied. Without AVX-512 all of this takes longer.

   Threads. OpenBLAS divides a product among its threads, and waits for all of them. If another process uses a core,
   that takes many times as long as with one thread. Here a product is cut into chunks, at least one for each thread
   if they do not get too small. The caller takes one chunk after the other, and so does each helper that is awake: no
   thread waits for a helper that has not started. If a helper loses its core in the middle of a chunk, there is one
   helper less for a while, at most for about a second. Products up to 4 * 10^6 have one thread: they gain little, and
   lose more if the machine is busy. The environment variable LARGE_GEMM_THREADS, which backend.py sets, is the number
   of threads, at most 256; without it there is one. OpenBLAS itself should have one. The same number of threads gives
   the same chunks, and so the same bits, whoever computes them.

   backend.py includes this file in what PyTensor compiles for OpenBLAS. PyTensor looks for compiled code by its source
   and flags, not by the content of this file: with a change, change the number in its name. */
#ifndef SMALL_GEMM
#define SMALL_GEMM
#include <stddef.h>

/* What <algorithm>, <atomic> and <memory> have, too: those take a tenth of a second for each module of PyTensor. */
static inline ptrdiff_t lesser(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t greater(ptrdiff_t a, ptrdiff_t b) { return a < b ? b : a; }

template <typename T> class Atomic {
    T value = 0;

public:
    operator T() const { return __atomic_load_n(&value, __ATOMIC_SEQ_CST); }
    void operator=(T given) { __atomic_store_n(&value, given, __ATOMIC_SEQ_CST); }
    T add(T given) { return __atomic_fetch_add(&value, given, __ATOMIC_SEQ_CST); }  // returns what it was
    bool replace(T &expected, T given) {  // if it is as expected; else that is set to what it is
        return __atomic_compare_exchange_n(&value, &expected, given, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
};

#define GEMM_ARGUMENTS(T) \
    char *transa, char *transb, const int *m, const int *n, const int *k, const T *alpha, const T *a, const int *lda, \
    const T *b, const int *ldb, const T *beta, T *c, const int *ldc

/* c = alpha op(a) op(b) + beta c. As in all of BLAS, columns are contiguous; op(a) is m x k. */
template <typename T> struct Product {
    void (*gemm)(GEMM_ARGUMENTS(T));
    bool a_transposed, b_transposed;
    int m, n, k;
    T alpha;
    const T *a;
    int lda;
    const T *b;
    int ldb;
    T beta;
    T *c;
    int ldc;

    double size() const { return (double)m * n * k; }  // exact up to 2^53

    void whole() const {
        char yes[] = "T", no[] = "N";
        gemm(a_transposed ? yes : no, b_transposed ? yes : no, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
    }

    Product rows(int from, int to) const {  // of c
        Product part = *this;
        part.m = to - from, part.a += (ptrdiff_t)from * (a_transposed ? lda : 1), part.c += from;
        return part;
    }

    Product columns(int from, int to) const {  // of c
        Product part = *this;
        part.n = to - from, part.b += (ptrdiff_t)from * (b_transposed ? 1 : ldb), part.c += (ptrdiff_t)from * ldc;
        return part;
    }

    Product terms(int from, int to) const {  // of each sum
        Product part = *this;
        part.k = to - from, part.a += (ptrdiff_t)from * (a_transposed ? 1 : lda);
        part.b += (ptrdiff_t)from * (b_transposed ? ldb : 1), part.beta = from ? 1 : beta;
        return part;
    }

    void transposed() const {  // c^T = op(b)^T a, of at most 4096 numbers at once; for beta 0, and n from 4 on
        T *b_T = new T[(size_t)n * k];
        for (int j = 0; j < n; j++)
            for (int i = 0; i < k; i++) b_T[(size_t)i * n + j] = b[i + (ptrdiff_t)j * ldb];
        T c_T[4096];
        const int most = lesser(4096 / n, 1e6 / n / k);
        for (int from = 0; from < m; from += most) {
            const int count = lesser(most, m - from), step = n;
            Product{gemm, false, false, n, count, k, alpha, b_T, n, a + (ptrdiff_t)from * lda, lda, 0, c_T, n}
                .whole();
            for (int j = 0; j < n; j += 4) {  // four columns of c at once: faster than one
                const int first = lesser(j, n - 4);
                const ptrdiff_t column = ldc;
                const T *read = c_T + first;
                T *write = c + first * column + from;
                for (int i = 0; i < count; i++, read += step, write++)
                    for (int l = 0; l < 4; l++) write[l * column] = read[l];
            }
        }
        delete[] b_T;
    }

    void compute() const {  // in this thread
#ifdef __AVX512F__
        if (a_transposed && !b_transposed) {
            if (n >= 16 && n <= 48 && m >= 96 && k > 0 && size() <= 6e4 * m && beta == 0) return transposed();
            const int most = n > 0 && n < 16 ? 1200 / n / 8 * 8 : m;  // a multiple of the numbers in a vector
            for (int from = 0; from < m; from += most) rows(from, lesser(from + most, m)).whole();
            return;
        }
        if (size() > 1e6 && size() <= (!a_transposed && !b_transposed && n <= 32 ? 4e7 : 4e6)) {
            const int longest = greater(m, greater(n, k)), parts = (int)(size() / 1e6) + 1;
            for (int part = 0; part < parts; part++) {
                const int from = (ptrdiff_t)longest * part / parts, to = (ptrdiff_t)longest * (part + 1) / parts;
                (longest == k ? terms(from, to) : longest == m ? rows(from, to) : columns(from, to)).whole();
            }
            return;
        }
#endif
        whole();
    }
};

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

class Helpers {  // the other threads of this process
    Atomic<uint64_t> ticket;  // number of the product, its number of chunks, the next chunk: 32, 16 and 16 bits
    Atomic<int> done, started, helping, busy;
    long long until = 0, pause = 0;  // until when not all helpers help, and for how long that is
    struct {
        Atomic<int> asleep;  // 1 from before it waits until it is to be woken
        sem_t wake;  // not a condition variable, on which a child process could wait for threads that it does not have
    } each[255];
    void (*compute)(const void *, int);
    const void *product;

    static bool is_left(uint64_t ticket) { return (ticket & 0xffff) < (ticket >> 16 & 0xffff); }

    bool take() {  // chunks, as long as there are any; whether there were
        bool taken = false;
        for (uint64_t mine = ticket; is_left(mine);)
            if (ticket.replace(mine, mine + 1)) {
                compute(product, mine & 0xffff);
                done.add(1);
                taken = true;
                mine = ticket;
            }
        return taken;
    }

    static long long now() {  // in nanoseconds
        timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1000000000ll + time.tv_nsec;
    }

    static void relax() {  // lets the other thread of the core work
#ifdef __aarch64__
        asm volatile("yield");
#else
        asm volatile("pause");
#endif
    }

    static void *serve(void *self) {
        Helpers &helpers = *(Helpers *)self;
        const int number = helpers.started.add(1);  // those below helpers.helping help
        auto &own = helpers.each[number];
        for (long long since = now(), patience = 0;;) {
            const long long begun = now();
            const bool helps = number < helpers.helping;
            // Awake for 0.15 ms, or as long as it has worked, up to 0.1 s: the next large product takes longer to come.
            if (helps && helpers.take()) since = now(), patience = greater(150000, lesser(100000000, since - begun));
            relax();
            if (!helps || now() - since > patience) {
                own.asleep = 1;
                if (number < helpers.helping) helpers.take();  // if a product came before its caller could see that
                while (sem_wait(&own.wake)) {}  // again after a signal
                since = now();
            }
        }
        return nullptr;
    }

public:
    int threads = 1;

    Helpers() {
        if (const char *given = getenv("LARGE_GEMM_THREADS")) threads = greater(1, lesser(256, atoi(given)));
        pthread_t thread;
        for (int i = 0; i < threads - 1; i++) {
            sem_init(&each[i].wake, 0, 0);
            if (!pthread_create(&thread, nullptr, serve, this)) pthread_detach(thread);
        }
    }

    void run(void (*function)(const void *, int), const void *argument, int chunks) {
        int nobody = 0;
        if (!busy.replace(nobody, 1)) {  // with the product of another thread
            for (int chunk = 0; chunk < chunks; chunk++) function(argument, chunk);
            return;
        }
        const bool all = now() > until;
        if (all) helping = threads - 1;
        compute = function, product = argument, done = 0;
        const uint64_t number = (ticket >> 32) + 1;
        ticket = number << 32 | (uint64_t)chunks << 16;
        for (int i = 0; i < lesser(helping, chunks - 1); i++)
            if (each[i].asleep) each[i].asleep = 0, sem_post(&each[i].wake);
        const long long begun = now();
        const bool taken = take();
        const long long own = now() - begun;
        for (int i = 0; done < chunks; i++)
            if (i < 2000) relax();
            else sched_yield();
        const long long waited = now() - begun - own;
        if (taken && waited > 2 * own) {  // for a helper whose core another process has taken
            pause = lesser(1000000000, greater(6000000, 2 * pause));
            until = now() + pause, helping = greater(0, helping - 1);
        } else if (all) pause -= lesser(pause, own / 4);
        busy = 0;
    }
};

/* One for the process: g++ makes the variable a unique symbol of all modules. */
__attribute__((visibility("default"))) inline Helpers &the_helpers() {
    static Helpers *helpers = new Helpers;
    return *helpers;
}

template <typename T> struct Chunks {
    Product<T> product;
    int rows, columns;

    static void compute(const void *self, int chunk) {
        const Chunks &all = *(const Chunks *)self;
        const Product<T> &p = all.product;
        // In units of what OpenBLAS's kernels compute at once.
        const auto cut = [](int length, int unit, int part, int parts) {
            return lesser((ptrdiff_t)length, (ptrdiff_t)((length + unit - 1) / unit) * part / parts * unit);
        };
        const int row = chunk % all.rows, column = chunk / all.rows;
        const Product<T> mine = p.rows(cut(p.m, 16, row, all.rows), cut(p.m, 16, row + 1, all.rows))
            .columns(cut(p.n, 4, column, all.columns), cut(p.n, 4, column + 1, all.columns));
        if (mine.m > 0 && mine.n > 0) mine.compute();
    }
};
#endif

template <typename T>
static void split_gemm(void (*gemm)(GEMM_ARGUMENTS(T)), GEMM_ARGUMENTS(T)) {
    const Product<T> product{gemm, *transa != 'N' && *transa != 'n', *transb != 'N' && *transb != 'n', *m, *n, *k,
                             *alpha, a, *lda, b, *ldb, *beta, c, *ldc};
#ifdef __linux__
    if (product.size() > 4e6 && the_helpers().threads > 1) {
        Chunks<T> all{product, 1, 1};
        // Large chunks take their time, so that each thread has one. Of others it has two, in case a helper comes late.
        // Large ones are cut between columns unless those are few: up to 4% faster, with 600 examples.
        const bool large = product.size() > 1e8;
        const int most = (large ? 1 : 2) * the_helpers().threads;
        while (all.rows * all.columns < most && product.size() / (all.rows * all.columns) > 1e6)
            (*m / all.rows / (large ? 2 : 1) >= *n / all.columns ? all.rows : all.columns) *= 2;
        return the_helpers().run(Chunks<T>::compute, &all, all.rows * all.columns);
    }
#endif
    product.compute();
}

#define SPLIT_GEMM(T, split, gemm) \
    void gemm(GEMM_ARGUMENTS(T)); \
    static inline void split(GEMM_ARGUMENTS(T)) { \
        split_gemm<T>(gemm, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); \
    }
extern "C" {
SPLIT_GEMM(float, split_sgemm_, sgemm_)
SPLIT_GEMM(double, split_dgemm_, dgemm_)
}
/* From here on, calls to gemm use the functions above. */
#undef sgemm_
#undef dgemm_
#define sgemm_ split_sgemm_
#define dgemm_ split_dgemm_
#endif
