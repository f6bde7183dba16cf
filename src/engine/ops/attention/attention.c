#include "fettle.h"

struct inputs {
  const float *q, *k, *v;
  const int32_t *index, *expiry, *query_position, *key_position;
  int64_t queries, keys, heads, kv_heads, dim;
  float scale;
  int64_t window;
  float softcap;
};

struct job {
  struct inputs in;
  float *out, *lse, *dq, *dk, *dv, *delta;
  const float *dout;
};

static struct inputs read_inputs(const double *args) {
  return (struct inputs){PTR(const float, 0), PTR(const float, 1), PTR(const float, 2), PTR(const int32_t, 3), PTR(const int32_t, 4), PTR(const int32_t, 5), PTR(const int32_t, 6), INT(7), INT(8), INT(9), INT(10), INT(11), NUM(12), INT(13), NUM(14)};
}

static int visible(const struct inputs *in, int64_t query, int64_t key) {
  return key <= in->index[query] && in->index[query] < in->expiry[key] && (in->window == 0 || in->query_position[query] - in->key_position[key] < in->window);
}

static float dot(const float *a, const float *b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static float score(const struct inputs *in, const float *q, const float *k) {
  float s = in->scale * dot(q, k, in->dim);
  return in->softcap > 0 ? in->softcap * tanhf(s / in->softcap) : s;
}

static void forward_rows(int64_t begin, int64_t end, void *context) {
  const struct job *job = context;
  const struct inputs *in = &job->in;
  float *scores = scratch(in->keys * sizeof(float));
  for (int64_t row = begin; row < end; row++) {
    int64_t query = row / in->heads, head = row % in->heads / (in->heads / in->kv_heads);
    float largest = -INFINITY, total = 0;
    for (int64_t key = 0; key < in->keys; key++) {
      scores[key] = visible(in, query, key) ? score(in, in->q + row * in->dim, in->k + (key * in->kv_heads + head) * in->dim) : -INFINITY;
      if (scores[key] > largest) largest = scores[key];
    }
    float *out = job->out + row * in->dim;
    for (int64_t i = 0; i < in->dim; i++) out[i] = 0;
    for (int64_t key = 0; key < in->keys; key++) {
      if (scores[key] == -INFINITY) continue;
      float weight = expf(scores[key] - largest);
      total += weight;
      for (int64_t i = 0; i < in->dim; i++) out[i] += weight * in->v[(key * in->kv_heads + head) * in->dim + i];
    }
    for (int64_t i = 0; i < in->dim; i++) out[i] = total > 0 ? out[i] / total : 0;
    if (job->lse) job->lse[row] = largest + logf(total);
  }
}

static void backward_heads(int64_t begin, int64_t end, void *context) {
  const struct job *job = context;
  const struct inputs *in = &job->in;
  int64_t group = in->heads / in->kv_heads, dim = in->dim;
  for (int64_t head = begin; head < end; head++) {
    for (int64_t key = 0; key < in->keys; key++) {
      memset(job->dk + (key * in->kv_heads + head) * dim, 0, dim * sizeof(float));
      memset(job->dv + (key * in->kv_heads + head) * dim, 0, dim * sizeof(float));
    }
    for (int64_t query = 0; query < in->queries; query++) {
      for (int64_t row = query * in->heads + head * group; row < query * in->heads + (head + 1) * group; row++) {
        const float *q = in->q + row * dim, *dout = job->dout + row * dim;
        float *dq = job->dq + row * dim;
        float delta = dot(dout, job->out + row * dim, dim);
        memset(dq, 0, dim * sizeof(float));
        for (int64_t key = 0; key < in->keys; key++) {
          if (!visible(in, query, key)) continue;
          int64_t at = (key * in->kv_heads + head) * dim;
          float s = score(in, q, in->k + at);
          float p = expf(s - job->lse[row]);
          float ds = p * (dot(dout, in->v + at, dim) - delta) * in->scale;
          if (in->softcap > 0) ds *= 1 - (s / in->softcap) * (s / in->softcap);
          for (int64_t i = 0; i < dim; i++) {
            job->dv[at + i] += p * dout[i];
            job->dk[at + i] += ds * q[i];
            dq[i] += ds * in->k[at + i];
          }
        }
      }
    }
  }
}

FETTLE_KERNEL(attention_forward) {
  struct job job = {.in = read_inputs(args + 2), .out = PTR(float, 0), .lse = PTR(float, 1)};
  parallel_for(job.in.queries * job.in.heads, 8, forward_rows, &job);
}

FETTLE_KERNEL(attention_backward) {
  struct job job = {.in = read_inputs(args + 7), .dq = PTR(float, 0), .dk = PTR(float, 1), .dv = PTR(float, 2), .dout = PTR(const float, 4), .out = PTR(float, 5), .lse = PTR(float, 6)};
  parallel_for(job.in.kv_heads, 1, backward_heads, &job);
}
