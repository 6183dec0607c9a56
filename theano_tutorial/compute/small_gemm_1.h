/* Matrix products a little above OpenBLAS's limit for small ones, computed in parts that are below it.

   OpenBLAS copies both matrices into blocks before it multiplies them, except, with AVX-512, where m n k <= 10^6. The
   tutorial's products, 20 x 784 x 100, are 1.57 * 10^6: two halves are faster than the whole, and so are parts of
   products up to about 4 * 10^6. On processors without AVX-512 they take as long as the whole.

   backend.py includes this file in what PyTensor compiles for OpenBLAS. PyTensor looks for compiled code by its source
   and flags, not by the content of this file: with a change, change the number in its name. */
#ifndef SMALL_GEMM
#define SMALL_GEMM
#include <algorithm>
#include <cstddef>

#define GEMM_ARGUMENTS(T) \
    char *transa, char *transb, const int *m, const int *n, const int *k, const T *alpha, const T *a, const int *lda, \
    const T *b, const int *ldb, const T *beta, T *c, const int *ldc

/* c = alpha op(a) op(b) + beta c, by calls of `gemm`. As in all of BLAS, columns are contiguous; op(a) is m x k. */
template <typename T>
static void split_gemm(void (*gemm)(GEMM_ARGUMENTS(T)), GEMM_ARGUMENTS(T)) {
    const double size = (double)*m * *n * *k;  // exact up to 2^53
    if (size <= 1e6 || size > 4e6) return gemm(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);

    const bool a_transposed = *transa != 'N' && *transa != 'n';
    bool b_transposed = *transb != 'N' && *transb != 'n';
    T transposed[4096];
    char yes[] = "T";
    if (a_transposed && !b_transposed && *k * *n <= 4096) {  // the one case that OpenBLAS copies however small it is
        for (int j = 0; j < *n; j++)
            for (int i = 0; i < *k; i++) transposed[i * *n + j] = b[i + (ptrdiff_t)j * *ldb];
        b = transposed, ldb = n, transb = yes, b_transposed = true;
    }
    const ptrdiff_t row_of_a = a_transposed ? *lda : 1, column_of_a = a_transposed ? 1 : *lda;
    const ptrdiff_t row_of_b = b_transposed ? *ldb : 1, column_of_b = b_transposed ? 1 : *ldb;
    const int longest = std::max({*m, *n, *k}), parts = (int)(size / 1e6) + 1;
    const T one = 1;
    for (int part = 0; part < parts; part++) {
        const ptrdiff_t from = (ptrdiff_t)longest * part / parts;
        const int count = (int)((ptrdiff_t)longest * (part + 1) / parts - from);
        if (longest == *k)  // terms of each sum
            gemm(transa, transb, m, n, &count, alpha, a + from * column_of_a, lda, b + from * row_of_b, ldb,
                 part ? &one : beta, c, ldc);
        else if (longest == *m)  // rows of c
            gemm(transa, transb, &count, n, k, alpha, a + from * row_of_a, lda, b, ldb, beta, c + from, ldc);
        else  // columns of c
            gemm(transa, transb, m, &count, k, alpha, a, lda, b + from * column_of_b, ldb, beta, c + from * *ldc, ldc);
    }
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
