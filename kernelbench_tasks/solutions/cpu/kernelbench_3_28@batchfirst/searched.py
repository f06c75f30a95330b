"""Inductor of torch 2.13 generated these kernels (variant scratch) after no-ops, strided-heads, packed-linear, in-place.

They include torch's headers and were made for torch 2.13."""

import kernelevo
import torch
from torch import nn

TUNE = ({'CONTRACT': ['', '-ffp-contract=fast'], 'LOOPS': ['', '-ftree-loop-vectorize'], 'UNROLL': ['-funroll-loops', ''], 'THREADS': [2, 1], 'SCHEDULE': ['schedule(static)', 'schedule(static,1)', 'schedule(static,4)']}





)


def packed_linear_weight(weight):
    """Return a weight [out, in] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def packed_matmul_weight(weight):
    """Return a weight [in, out] in oneDNN's own layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().t().contiguous(), None)


def packed_matmul(x, weight, bias):
    """Product with a constant matrix [in, out]; the packed matrix follows its parameter."""
    weight = kernelevo.packed(packed_matmul_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def packed_linear(x, weight, bias, post="none", algorithm=""):
    """Linear layer with a fused activation; the packed weight follows its parameter."""
    weight = kernelevo.packed(packed_linear_weight, weight)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, post, [], algorithm)

_harvest_flags = [flag for flag in (TUNE["CONTRACT"][0], TUNE["LOOPS"][0], TUNE["UNROLL"][0]) if flag]
_harvest_source = (
    f"#define KE_THREADS {TUNE['THREADS'][0]}\n"
    f"#define KE_SCHEDULE {TUNE['SCHEDULE'][0]}\n"
    f""
    r'''
#include <torch/csrc/inductor/cpp_prefix.h>
static_assert(at::vec::Vectorized<float>::size() == 16,
              "these kernels were generated for vectors of 512 bits");

extern "C"  void  cpp_fused__call_0_clone_unfold_0(const float* in_ptr0,
                       float* out_ptr0)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(196L); x1+=static_cast<int64_t>(1L))
                {
                    #pragma GCC ivdep
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(768L); x2+=static_cast<int64_t>(1L))
                    {
                        {
                            {
                                auto tmp0 = in_ptr0[static_cast<int64_t>(16L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x2 + 768L*x1), static_cast<int64_t>(256L))) % static_cast<int64_t>(14L))) + 224L*((static_cast<int64_t>(c10::div_floor_integer(static_cast<int64_t>(x2), static_cast<int64_t>(16L))) % static_cast<int64_t>(16L))) + 3584L*(c10::div_floor_integer(static_cast<int64_t>(x2 + 768L*x1), static_cast<int64_t>(3584L))) + 150528L*x0 + ((static_cast<int64_t>(x2) % static_cast<int64_t>(16L))))];
                                out_ptr0[static_cast<int64_t>(x2 + 768L*x1 + 150528L*x0)] = tmp0;
                            }
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused__call_1_cat_expand_transpose_1(const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            tmp0.store(out_ptr0 + static_cast<int64_t>(x1 + 100864L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(100352L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(100352L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 100352L*x0), static_cast<int64_t>(16));
                            tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 100864L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(100864L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(100864L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1 + 100864L*x0), static_cast<int64_t>(16));
                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            auto tmp2 = tmp0 + tmp1;
                            tmp2.store(out_ptr2 + static_cast<int64_t>(x1 + 100864L*x0));
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(const float* in_ptr0,
                       float* out_ptr0,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 1536L*x0), static_cast<int64_t>(16));
                            tmp0.store(out_ptr0 + static_cast<int64_t>(x1 + 512L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(512L + x1 + 1536L*x0), static_cast<int64_t>(16));
                            tmp0.store(out_ptr1 + static_cast<int64_t>(x1 + 512L*x0));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(1024L + x1 + 1536L*x0), static_cast<int64_t>(16));
                            tmp0.store(out_ptr2 + static_cast<int64_t>(x1 + 512L*x0));
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused_add_native_layer_norm_transpose_view_3(float* in_out_ptr0,
                       const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       const float* in_ptr4,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    auto out_ptr0 = in_out_ptr0;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(197L); x1+=static_cast<int64_t>(1L))
                {
                    {
                        float tmp_acc0 = 0;
                        at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                        for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x1), static_cast<int64_t>(16));
                                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                    auto tmp2 = tmp0 + tmp1;
                                    auto tmp4 = tmp2 + tmp3;
                                    tmp_acc0_vec = tmp_acc0_vec + tmp4;
                                }
                            }
                        }
                        tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                        out_ptr0[static_cast<int64_t>(x1 + 197L*x0)] = static_cast<float>(tmp_acc0);
                    }
                }
            }
        }
        #pragma omp single
        {
            {
                for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(384L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0));
                        }
                        if(C10_UNLIKELY(x0 >= static_cast<int64_t>(384L) && x0 < static_cast<int64_t>(394L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(197L); x1+=static_cast<int64_t>(1L))
                {
                    {
                        float tmp_acc0 = 0;
                        at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                        for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x1), static_cast<int64_t>(16));
                                    auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                    auto tmp5 = in_out_ptr0[static_cast<int64_t>(x1 + 197L*x0)];
                                    auto tmp2 = tmp0 + tmp1;
                                    auto tmp4 = tmp2 + tmp3;
                                    auto tmp6 = at::vec::Vectorized<float>(tmp5);
                                    auto tmp7 = tmp4 - tmp6;
                                    auto tmp8 = tmp7 * tmp7;
                                    tmp_acc0_vec = tmp_acc0_vec + tmp8;
                                }
                            }
                        }
                        tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                        out_ptr1[static_cast<int64_t>(x1 + 197L*x0)] = static_cast<float>(tmp_acc0);
                    }
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x1), static_cast<int64_t>(16));
                                auto tmp3 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                auto tmp5 = in_out_ptr0[static_cast<int64_t>(x1 + 197L*x0)];
                                auto tmp8 = out_ptr1[static_cast<int64_t>(x1 + 197L*x0)];
                                auto tmp16 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x2), static_cast<int64_t>(16));
                                auto tmp18 = at::vec::Vectorized<float>::loadu(in_ptr4 + static_cast<int64_t>(x2), static_cast<int64_t>(16));
                                auto tmp2 = tmp0 + tmp1;
                                auto tmp4 = tmp2 + tmp3;
                                auto tmp6 = at::vec::Vectorized<float>(tmp5);
                                auto tmp7 = tmp4 - tmp6;
                                auto tmp9 = static_cast<float>(512.0);
                                auto tmp10 = tmp8 / tmp9;
                                auto tmp11 = static_cast<float>(1e-05);
                                auto tmp12 = float(tmp10 + tmp11);
                                auto tmp13 = 1 / std::sqrt(tmp12);
                                auto tmp14 = at::vec::Vectorized<float>(tmp13);
                                auto tmp15 = tmp7 * tmp14;
                                auto tmp17 = tmp15 * tmp16;
                                auto tmp19 = tmp17 + tmp18;
                                tmp19.store(out_ptr2 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0));
                            }
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused_add_native_layer_norm_4(float* in_out_ptr0,
                       float* in_out_ptr1,
                       const float* in_ptr0,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    auto out_ptr0 = in_out_ptr0;
    auto in_ptr1 = in_out_ptr1;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr1 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp2 = tmp0 + tmp1;
                                tmp_acc0_vec = tmp_acc0_vec + tmp2;
                            }
                        }
                    }
                    tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                    in_out_ptr0[static_cast<int64_t>(x0)] = static_cast<float>(tmp_acc0);
                }
            }
        }
        #pragma omp single
        {
            {
                for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(384L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0));
                        }
                        if(C10_UNLIKELY(x0 >= static_cast<int64_t>(384L) && x0 < static_cast<int64_t>(394L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr1 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp3 = in_out_ptr0[static_cast<int64_t>(x0)];
                                auto tmp2 = tmp0 + tmp1;
                                auto tmp4 = at::vec::Vectorized<float>(tmp3);
                                auto tmp5 = tmp2 - tmp4;
                                auto tmp6 = tmp5 * tmp5;
                                tmp_acc0_vec = tmp_acc0_vec + tmp6;
                            }
                        }
                    }
                    tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                    out_ptr1[static_cast<int64_t>(x0)] = static_cast<float>(tmp_acc0);
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_out_ptr1 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                            auto tmp3 = in_out_ptr0[static_cast<int64_t>(x0)];
                            auto tmp6 = out_ptr1[static_cast<int64_t>(x0)];
                            auto tmp14 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            auto tmp16 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            auto tmp2 = tmp0 + tmp1;
                            auto tmp4 = at::vec::Vectorized<float>(tmp3);
                            auto tmp5 = tmp2 - tmp4;
                            auto tmp7 = static_cast<float>(512.0);
                            auto tmp8 = tmp6 / tmp7;
                            auto tmp9 = static_cast<float>(1e-05);
                            auto tmp10 = float(tmp8 + tmp9);
                            auto tmp11 = 1 / std::sqrt(tmp10);
                            auto tmp12 = at::vec::Vectorized<float>(tmp11);
                            auto tmp13 = tmp5 * tmp12;
                            auto tmp15 = tmp13 * tmp14;
                            auto tmp17 = tmp15 + tmp16;
                            tmp17.store(in_out_ptr1 + static_cast<int64_t>(x1 + 512L*x0));
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused_add_native_layer_norm_transpose_view_5(float* in_out_ptr0,
                       float* in_out_ptr1,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr1)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    auto out_ptr0 = in_out_ptr0;
    auto in_ptr0 = in_out_ptr1;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(197L); x1+=static_cast<int64_t>(1L))
                {
                    {
                        float tmp_acc0 = 0;
                        at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                        for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                    auto tmp2 = tmp0 + tmp1;
                                    tmp_acc0_vec = tmp_acc0_vec + tmp2;
                                }
                            }
                        }
                        tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                        out_ptr0[static_cast<int64_t>(x1 + 197L*x0)] = static_cast<float>(tmp_acc0);
                    }
                }
            }
        }
        #pragma omp single
        {
            {
                for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(384L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0));
                        }
                        if(C10_UNLIKELY(x0 >= static_cast<int64_t>(384L) && x0 < static_cast<int64_t>(394L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                #pragma GCC ivdep
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(197L); x1+=static_cast<int64_t>(1L))
                {
                    {
                        float tmp_acc0 = 0;
                        at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                        for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                        {
                            {
                                if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                                {
                                    auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                    auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                    auto tmp3 = in_out_ptr0[static_cast<int64_t>(x1 + 197L*x0)];
                                    auto tmp2 = tmp0 + tmp1;
                                    auto tmp4 = at::vec::Vectorized<float>(tmp3);
                                    auto tmp5 = tmp2 - tmp4;
                                    auto tmp6 = tmp5 * tmp5;
                                    tmp_acc0_vec = tmp_acc0_vec + tmp6;
                                }
                            }
                        }
                        tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                        out_ptr1[static_cast<int64_t>(x1 + 197L*x0)] = static_cast<float>(tmp_acc0);
                    }
                    for(int64_t x2=static_cast<int64_t>(0L); x2<static_cast<int64_t>(512L); x2+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x2 >= static_cast<int64_t>(0) && x2 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_out_ptr1 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x2 + 512L*x0 + 1024L*x1), static_cast<int64_t>(16));
                                auto tmp3 = in_out_ptr0[static_cast<int64_t>(x1 + 197L*x0)];
                                auto tmp6 = out_ptr1[static_cast<int64_t>(x1 + 197L*x0)];
                                auto tmp14 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x2), static_cast<int64_t>(16));
                                auto tmp16 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x2), static_cast<int64_t>(16));
                                auto tmp2 = tmp0 + tmp1;
                                auto tmp4 = at::vec::Vectorized<float>(tmp3);
                                auto tmp5 = tmp2 - tmp4;
                                auto tmp7 = static_cast<float>(512.0);
                                auto tmp8 = tmp6 / tmp7;
                                auto tmp9 = static_cast<float>(1e-05);
                                auto tmp10 = float(tmp8 + tmp9);
                                auto tmp11 = 1 / std::sqrt(tmp10);
                                auto tmp12 = at::vec::Vectorized<float>(tmp11);
                                auto tmp13 = tmp5 * tmp12;
                                auto tmp15 = tmp13 * tmp14;
                                auto tmp17 = tmp15 + tmp16;
                                tmp17.store(in_out_ptr1 + static_cast<int64_t>(x2 + 512L*x1 + 100864L*x0));
                            }
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}

extern "C"  void  cpp_fused__call_25_add_native_layer_norm_select_6(float* in_out_ptr0,
                       const float* in_ptr0,
                       const float* in_ptr1,
                       const float* in_ptr2,
                       const float* in_ptr3,
                       float* out_ptr1,
                       float* out_ptr2)
{
    std::atomic<int> inductor_cpu_integer_div_error{0};
    inductor_cpu_integer_div_error_flag = &inductor_cpu_integer_div_error;
    auto out_ptr0 = in_out_ptr0;
    #pragma omp parallel num_threads(KE_THREADS)
    {
        int tid = omp_get_thread_num();
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp2 = tmp0 + tmp1;
                                tmp_acc0_vec = tmp_acc0_vec + tmp2;
                            }
                        }
                    }
                    tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                    in_out_ptr0[static_cast<int64_t>(x0)] = static_cast<float>(tmp_acc0);
                }
            }
        }
        #pragma omp single
        {
            {
                for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x0 >= static_cast<int64_t>(0) && x0 < static_cast<int64_t>(384L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(16));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0));
                        }
                        if(C10_UNLIKELY(x0 >= static_cast<int64_t>(384L) && x0 < static_cast<int64_t>(394L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                            auto tmp1 = static_cast<float>(512.0);
                            auto tmp2 = at::vec::Vectorized<float>(tmp1);
                            auto tmp3 = tmp0 / tmp2;
                            tmp3.store(in_out_ptr0 + static_cast<int64_t>(x0), static_cast<int64_t>(10L));
                        }
                    }
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(394L); x0+=static_cast<int64_t>(1L))
            {
                {
                    float tmp_acc0 = 0;
                    at::vec::Vectorized<float> tmp_acc0_vec = at::vec::Vectorized<float>(0);
                    for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                    {
                        {
                            if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                            {
                                auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 512L*x0), static_cast<int64_t>(16));
                                auto tmp3 = in_out_ptr0[static_cast<int64_t>(x0)];
                                auto tmp2 = tmp0 + tmp1;
                                auto tmp4 = at::vec::Vectorized<float>(tmp3);
                                auto tmp5 = tmp2 - tmp4;
                                auto tmp6 = tmp5 * tmp5;
                                tmp_acc0_vec = tmp_acc0_vec + tmp6;
                            }
                        }
                    }
                    tmp_acc0 = tmp_acc0 + at::vec::vec_reduce_all<float, 1>([](at::vec::Vectorized<float>& x, at::vec::Vectorized<float>& y) { return x + y; }, tmp_acc0_vec);
                    out_ptr1[static_cast<int64_t>(x0)] = static_cast<float>(tmp_acc0);
                }
            }
        }
        {
            #pragma omp for KE_SCHEDULE
            for(int64_t x0=static_cast<int64_t>(0L); x0<static_cast<int64_t>(2L); x0+=static_cast<int64_t>(1L))
            {
                for(int64_t x1=static_cast<int64_t>(0L); x1<static_cast<int64_t>(512L); x1+=static_cast<int64_t>(16L))
                {
                    {
                        if(C10_LIKELY(x1 >= static_cast<int64_t>(0) && x1 < static_cast<int64_t>(512L)))
                        {
                            auto tmp0 = at::vec::Vectorized<float>::loadu(in_ptr0 + static_cast<int64_t>(x1 + 100864L*x0), static_cast<int64_t>(16));
                            auto tmp1 = at::vec::Vectorized<float>::loadu(in_ptr1 + static_cast<int64_t>(x1 + 100864L*x0), static_cast<int64_t>(16));
                            auto tmp3 = in_out_ptr0[static_cast<int64_t>(197L*x0)];
                            auto tmp6 = out_ptr1[static_cast<int64_t>(197L*x0)];
                            auto tmp14 = at::vec::Vectorized<float>::loadu(in_ptr2 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            auto tmp16 = at::vec::Vectorized<float>::loadu(in_ptr3 + static_cast<int64_t>(x1), static_cast<int64_t>(16));
                            auto tmp2 = tmp0 + tmp1;
                            auto tmp4 = at::vec::Vectorized<float>(tmp3);
                            auto tmp5 = tmp2 - tmp4;
                            auto tmp7 = static_cast<float>(512.0);
                            auto tmp8 = tmp6 / tmp7;
                            auto tmp9 = static_cast<float>(1e-05);
                            auto tmp10 = float(tmp8 + tmp9);
                            auto tmp11 = 1 / std::sqrt(tmp10);
                            auto tmp12 = at::vec::Vectorized<float>(tmp11);
                            auto tmp13 = tmp5 * tmp12;
                            auto tmp15 = tmp13 * tmp14;
                            auto tmp17 = tmp15 + tmp16;
                            tmp17.store(out_ptr2 + static_cast<int64_t>(x1 + 100864L*x0));
                        }
                    }
                }
            }
        }
    }
    inductor_cpu_integer_div_error_flag = nullptr;
    inductor_cpu_throw_if_integer_div_error(inductor_cpu_integer_div_error);
}
'''
)
_harvest_lib = kernelevo.cpp(_harvest_source, flags=_harvest_flags, torch_headers=True)

def reinterpret_tensor(tensor, shape, stride, offset):
    return torch.as_strided(tensor, shape, stride, tensor.storage_offset() + offset)

def empty_strided_cpu(shape, stride, dtype):
    return torch.empty_strided(shape, stride, dtype=dtype)

def _call_0(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_1(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_2(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_3(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_4(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_5(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_6(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_7(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_8(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_9(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_10(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_11(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_12(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_13(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_14(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_15(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_16(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_17(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_18(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_19(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_20(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_21(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_22(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_23(a0, a1, a2):
    return packed_linear(a0, a1, a2, "relu")

def _call_24(a0, a1, a2):
    return packed_linear(a0, a1, a2)

def _call_25(a0, a1, a2):
    return packed_linear(a0, a1, a2, "gelu", "none")

def _call_26(a0, a1, a2):
    return packed_linear(a0, a1, a2)

_harvest_forms = (  # shape, stride, dtype, whether the call writes to it
    ((1, 197, 512), (100864, 512, 1), torch.float32, False),
    ((1, 1, 512), (512, 512, 1), torch.float32, False),
    ((512, 768), (768, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((1536, 512), (512, 1), torch.float32, True),
    ((1536,), (1,), torch.float32, True),
    ((512, 512), (512, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((512, 2048), (2048, 1), torch.float32, True),
    ((512,), (1,), torch.float32, True),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((512,), (1,), torch.float32, False),
    ((2048, 512), (512, 1), torch.float32, True),
    ((2048,), (1,), torch.float32, True),
    ((10, 2048), (2048, 1), torch.float32, True),
    ((10,), (1,), torch.float32, True),
    ((2, 3, 224, 224), (150528, 50176, 224, 1), torch.float32, False),
)


def _harvest_fit(tensors):
    for tensor, (shape, stride, dtype, _) in zip(tensors, _harvest_forms):
        fits = tensor.shape == shape and tensor.stride() == stride and tensor.dtype is dtype
        if fits and tensor.is_cpu:
            continue
        return [_harvest_moved(t, *form) for t, form in zip(tensors, _harvest_forms)]
    return tensors


def _harvest_moved(tensor, shape, stride, dtype, written):
    if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_cpu:
        found = f"{tuple(tensor.shape)} {tensor.dtype} on {tensor.device}"
        raise ValueError(f"made for {shape} {dtype} on cpu, got {found}")
    if all(n == 1 or a == b for n, a, b in zip(shape, tensor.stride(), stride)):
        return tensor
    if written:
        raise ValueError(f"writes to a tensor of strides {stride}, got {tensor.stride()}")
    return torch.empty_strided(shape, stride, dtype=dtype, device=tensor.device).copy_(tensor)

import threading

_harvest_kept = threading.local()


def _harvest_scratch(key, shape, stride, dtype):
    """Temporaries never leave a call, so each thread keeps its own: fresh pages cost a fault each."""
    found = getattr(_harvest_kept, key, None)
    if found is None:
        found = torch.empty_strided(shape, stride, dtype=dtype)
        setattr(_harvest_kept, key, found)
    return found

@torch.no_grad()
def _harvest_run(arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, arg7_1, arg8_1, arg9_1, arg10_1, arg11_1, arg12_1, arg13_1, arg14_1, arg15_1, arg16_1, arg17_1, arg18_1, arg19_1, arg20_1, arg21_1, arg22_1, arg23_1, arg24_1, arg25_1, arg26_1, arg27_1, arg28_1, arg29_1, arg30_1, arg31_1, arg32_1, arg33_1, arg34_1, arg35_1, arg36_1, arg37_1, arg38_1, arg39_1, arg40_1, arg41_1, arg42_1, arg43_1, arg44_1, arg45_1, arg46_1, arg47_1, arg48_1, arg49_1, arg50_1, arg51_1, arg52_1, arg53_1, arg54_1, arg55_1, arg56_1, arg57_1, arg58_1, arg59_1, arg60_1, arg61_1, arg62_1, arg63_1, arg64_1, arg65_1, arg66_1, arg67_1, arg68_1, arg69_1, arg70_1, arg71_1, arg72_1, arg73_1, arg74_1, arg75_1, arg76_1, arg77_1, arg78_1, arg79_1, arg80_1):
    arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, arg7_1, arg8_1, arg9_1, arg10_1, arg11_1, arg12_1, arg13_1, arg14_1, arg15_1, arg16_1, arg17_1, arg18_1, arg19_1, arg20_1, arg21_1, arg22_1, arg23_1, arg24_1, arg25_1, arg26_1, arg27_1, arg28_1, arg29_1, arg30_1, arg31_1, arg32_1, arg33_1, arg34_1, arg35_1, arg36_1, arg37_1, arg38_1, arg39_1, arg40_1, arg41_1, arg42_1, arg43_1, arg44_1, arg45_1, arg46_1, arg47_1, arg48_1, arg49_1, arg50_1, arg51_1, arg52_1, arg53_1, arg54_1, arg55_1, arg56_1, arg57_1, arg58_1, arg59_1, arg60_1, arg61_1, arg62_1, arg63_1, arg64_1, arg65_1, arg66_1, arg67_1, arg68_1, arg69_1, arg70_1, arg71_1, arg72_1, arg73_1, arg74_1, arg75_1, arg76_1, arg77_1, arg78_1, arg79_1, arg80_1, = _harvest_fit((arg0_1, arg1_1, arg2_1, arg3_1, arg4_1, arg5_1, arg6_1, arg7_1, arg8_1, arg9_1, arg10_1, arg11_1, arg12_1, arg13_1, arg14_1, arg15_1, arg16_1, arg17_1, arg18_1, arg19_1, arg20_1, arg21_1, arg22_1, arg23_1, arg24_1, arg25_1, arg26_1, arg27_1, arg28_1, arg29_1, arg30_1, arg31_1, arg32_1, arg33_1, arg34_1, arg35_1, arg36_1, arg37_1, arg38_1, arg39_1, arg40_1, arg41_1, arg42_1, arg43_1, arg44_1, arg45_1, arg46_1, arg47_1, arg48_1, arg49_1, arg50_1, arg51_1, arg52_1, arg53_1, arg54_1, arg55_1, arg56_1, arg57_1, arg58_1, arg59_1, arg60_1, arg61_1, arg62_1, arg63_1, arg64_1, arg65_1, arg66_1, arg67_1, arg68_1, arg69_1, arg70_1, arg71_1, arg72_1, arg73_1, arg74_1, arg75_1, arg76_1, arg77_1, arg78_1, arg79_1, arg80_1, ))
    buf0 = empty_strided_cpu((2, 196, 768), (150528, 768, 1), torch.float32)
    _harvest_lib.cpp_fused__call_0_clone_unfold_0(arg80_1.data_ptr(), buf0.data_ptr())
    del arg80_1
    buf1 = _call_0(buf0, arg2_1, arg3_1)
    del arg2_1
    del arg3_1
    del buf0
    buf2 = buf1
    del buf1
    buf5 = _harvest_scratch('buf5', (2, 197, 512), (100864, 512, 1), torch.float32)
    buf3 = reinterpret_tensor(buf5, (2, 1, 512), (100864, 512, 1), 0)
    buf4 = reinterpret_tensor(buf5, (2, 196, 512), (100864, 512, 1), 512)
    buf6 = empty_strided_cpu((197, 2, 512), (512, 100864, 1), torch.float32)
    _harvest_lib.cpp_fused__call_1_cat_expand_transpose_1(arg1_1.data_ptr(), buf2.data_ptr(), buf5.data_ptr(), arg0_1.data_ptr(), buf3.data_ptr(), buf4.data_ptr(), buf6.data_ptr())
    del arg1_1
    del buf2
    del buf3
    del buf4
    buf7 = _call_1(buf6, arg4_1, arg5_1)
    del arg4_1
    del arg5_1
    buf8 = buf7
    del buf7
    buf9 = reinterpret_tensor(buf6, (2, 8, 197, 64), (512, 64, 1024, 1), 0)
    del buf6
    buf10 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf11 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf8.data_ptr(), buf9.data_ptr(), buf10.data_ptr(), buf11.data_ptr())
    del buf8
    buf12 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf9, buf10, buf11)
    del buf10
    del buf11
    del buf9
    buf13 = buf12[0]
    del buf12
    buf15 = _call_2(reinterpret_tensor(buf13, (394, 512), (512, 1), 0), arg6_1, arg7_1)
    del arg6_1
    del arg7_1
    buf16 = buf15
    del buf15
    buf17 = _harvest_scratch('buf17', (2, 197, 1), (197, 1, 394), torch.float32)
    buf18 = buf17
    del buf17
    buf19 = _harvest_scratch('buf19', (2, 197, 1), (197, 1, 394), torch.float32)
    buf20 = reinterpret_tensor(buf13, (2, 197, 512), (100864, 512, 1), 0)
    del buf13
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_3(buf18.data_ptr(), buf5.data_ptr(), arg0_1.data_ptr(), buf16.data_ptr(), arg12_1.data_ptr(), arg13_1.data_ptr(), buf19.data_ptr(), buf20.data_ptr())
    del arg0_1
    del arg12_1
    del arg13_1
    del buf16
    del buf5
    buf21 = _call_3(buf20, arg8_1, arg9_1)
    del arg8_1
    del arg9_1
    buf22 = buf21
    del buf21
    buf23 = _call_4(buf22, arg10_1, arg11_1)
    del arg10_1
    del arg11_1
    del buf22
    buf24 = buf23
    del buf23
    buf25 = buf19
    del buf19
    buf26 = buf25
    del buf25
    buf27 = buf18
    del buf18
    buf28 = buf20
    del buf20
    _harvest_lib.cpp_fused_add_native_layer_norm_4(buf26.data_ptr(), buf28.data_ptr(), buf24.data_ptr(), arg14_1.data_ptr(), arg15_1.data_ptr(), buf27.data_ptr())
    del arg14_1
    del arg15_1
    del buf24
    del buf26
    del buf27
    buf29 = _call_5(reinterpret_tensor(buf28, (197, 2, 512), (512, 100864, 1), 0), arg16_1, arg17_1)
    del arg16_1
    del arg17_1
    buf30 = buf29
    del buf29
    buf31 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf32 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf33 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf30.data_ptr(), buf31.data_ptr(), buf32.data_ptr(), buf33.data_ptr())
    del buf30
    buf34 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf31, buf32, buf33)
    del buf31
    del buf32
    del buf33
    buf35 = buf34[0]
    del buf34
    buf37 = _call_6(reinterpret_tensor(buf35, (394, 512), (512, 1), 0), arg18_1, arg19_1)
    del arg18_1
    del arg19_1
    del buf35
    buf38 = buf37
    del buf37
    buf39 = _harvest_scratch('buf39', (2, 197, 1), (197, 1, 394), torch.float32)
    buf40 = buf39
    del buf39
    buf41 = _harvest_scratch('buf41', (2, 197, 1), (197, 1, 394), torch.float32)
    buf42 = buf28
    del buf28
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_5(buf40.data_ptr(), buf42.data_ptr(), buf38.data_ptr(), arg24_1.data_ptr(), arg25_1.data_ptr(), buf41.data_ptr())
    del arg24_1
    del arg25_1
    del buf38
    buf43 = _call_7(buf42, arg20_1, arg21_1)
    del arg20_1
    del arg21_1
    buf44 = buf43
    del buf43
    buf45 = _call_8(buf44, arg22_1, arg23_1)
    del arg22_1
    del arg23_1
    del buf44
    buf46 = buf45
    del buf45
    buf47 = buf41
    del buf41
    buf48 = buf47
    del buf47
    buf49 = buf40
    del buf40
    buf50 = buf42
    del buf42
    _harvest_lib.cpp_fused_add_native_layer_norm_4(buf48.data_ptr(), buf50.data_ptr(), buf46.data_ptr(), arg26_1.data_ptr(), arg27_1.data_ptr(), buf49.data_ptr())
    del arg26_1
    del arg27_1
    del buf46
    del buf48
    del buf49
    buf51 = _call_9(reinterpret_tensor(buf50, (197, 2, 512), (512, 100864, 1), 0), arg28_1, arg29_1)
    del arg28_1
    del arg29_1
    buf52 = buf51
    del buf51
    buf53 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf54 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf55 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf52.data_ptr(), buf53.data_ptr(), buf54.data_ptr(), buf55.data_ptr())
    del buf52
    buf56 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf53, buf54, buf55)
    del buf53
    del buf54
    del buf55
    buf57 = buf56[0]
    del buf56
    buf59 = _call_10(reinterpret_tensor(buf57, (394, 512), (512, 1), 0), arg30_1, arg31_1)
    del arg30_1
    del arg31_1
    del buf57
    buf60 = buf59
    del buf59
    buf61 = _harvest_scratch('buf61', (2, 197, 1), (197, 1, 394), torch.float32)
    buf62 = buf61
    del buf61
    buf63 = _harvest_scratch('buf63', (2, 197, 1), (197, 1, 394), torch.float32)
    buf64 = buf50
    del buf50
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_5(buf62.data_ptr(), buf64.data_ptr(), buf60.data_ptr(), arg36_1.data_ptr(), arg37_1.data_ptr(), buf63.data_ptr())
    del arg36_1
    del arg37_1
    del buf60
    buf65 = _call_11(buf64, arg32_1, arg33_1)
    del arg32_1
    del arg33_1
    buf66 = buf65
    del buf65
    buf67 = _call_12(buf66, arg34_1, arg35_1)
    del arg34_1
    del arg35_1
    del buf66
    buf68 = buf67
    del buf67
    buf69 = buf63
    del buf63
    buf70 = buf69
    del buf69
    buf71 = buf62
    del buf62
    buf72 = buf64
    del buf64
    _harvest_lib.cpp_fused_add_native_layer_norm_4(buf70.data_ptr(), buf72.data_ptr(), buf68.data_ptr(), arg38_1.data_ptr(), arg39_1.data_ptr(), buf71.data_ptr())
    del arg38_1
    del arg39_1
    del buf68
    del buf70
    del buf71
    buf73 = _call_13(reinterpret_tensor(buf72, (197, 2, 512), (512, 100864, 1), 0), arg40_1, arg41_1)
    del arg40_1
    del arg41_1
    buf74 = buf73
    del buf73
    buf75 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf76 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf77 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf74.data_ptr(), buf75.data_ptr(), buf76.data_ptr(), buf77.data_ptr())
    del buf74
    buf78 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf75, buf76, buf77)
    del buf75
    del buf76
    del buf77
    buf79 = buf78[0]
    del buf78
    buf81 = _call_14(reinterpret_tensor(buf79, (394, 512), (512, 1), 0), arg42_1, arg43_1)
    del arg42_1
    del arg43_1
    del buf79
    buf82 = buf81
    del buf81
    buf83 = _harvest_scratch('buf83', (2, 197, 1), (197, 1, 394), torch.float32)
    buf84 = buf83
    del buf83
    buf85 = _harvest_scratch('buf85', (2, 197, 1), (197, 1, 394), torch.float32)
    buf86 = buf72
    del buf72
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_5(buf84.data_ptr(), buf86.data_ptr(), buf82.data_ptr(), arg48_1.data_ptr(), arg49_1.data_ptr(), buf85.data_ptr())
    del arg48_1
    del arg49_1
    del buf82
    buf87 = _call_15(buf86, arg44_1, arg45_1)
    del arg44_1
    del arg45_1
    buf88 = buf87
    del buf87
    buf89 = _call_16(buf88, arg46_1, arg47_1)
    del arg46_1
    del arg47_1
    del buf88
    buf90 = buf89
    del buf89
    buf91 = buf85
    del buf85
    buf92 = buf91
    del buf91
    buf93 = buf84
    del buf84
    buf94 = buf86
    del buf86
    _harvest_lib.cpp_fused_add_native_layer_norm_4(buf92.data_ptr(), buf94.data_ptr(), buf90.data_ptr(), arg50_1.data_ptr(), arg51_1.data_ptr(), buf93.data_ptr())
    del arg50_1
    del arg51_1
    del buf90
    del buf92
    del buf93
    buf95 = _call_17(reinterpret_tensor(buf94, (197, 2, 512), (512, 100864, 1), 0), arg52_1, arg53_1)
    del arg52_1
    del arg53_1
    buf96 = buf95
    del buf95
    buf97 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf98 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf99 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf96.data_ptr(), buf97.data_ptr(), buf98.data_ptr(), buf99.data_ptr())
    del buf96
    buf100 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf97, buf98, buf99)
    del buf97
    del buf98
    del buf99
    buf101 = buf100[0]
    del buf100
    buf103 = _call_18(reinterpret_tensor(buf101, (394, 512), (512, 1), 0), arg54_1, arg55_1)
    del arg54_1
    del arg55_1
    del buf101
    buf104 = buf103
    del buf103
    buf105 = _harvest_scratch('buf105', (2, 197, 1), (197, 1, 394), torch.float32)
    buf106 = buf105
    del buf105
    buf107 = _harvest_scratch('buf107', (2, 197, 1), (197, 1, 394), torch.float32)
    buf108 = buf94
    del buf94
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_5(buf106.data_ptr(), buf108.data_ptr(), buf104.data_ptr(), arg60_1.data_ptr(), arg61_1.data_ptr(), buf107.data_ptr())
    del arg60_1
    del arg61_1
    del buf104
    buf109 = _call_19(buf108, arg56_1, arg57_1)
    del arg56_1
    del arg57_1
    buf110 = buf109
    del buf109
    buf111 = _call_20(buf110, arg58_1, arg59_1)
    del arg58_1
    del arg59_1
    del buf110
    buf112 = buf111
    del buf111
    buf113 = buf107
    del buf107
    buf114 = buf113
    del buf113
    buf115 = buf106
    del buf106
    buf116 = buf108
    del buf108
    _harvest_lib.cpp_fused_add_native_layer_norm_4(buf114.data_ptr(), buf116.data_ptr(), buf112.data_ptr(), arg62_1.data_ptr(), arg63_1.data_ptr(), buf115.data_ptr())
    del arg62_1
    del arg63_1
    del buf112
    del buf114
    del buf115
    buf117 = _call_21(reinterpret_tensor(buf116, (197, 2, 512), (512, 100864, 1), 0), arg64_1, arg65_1)
    del arg64_1
    del arg65_1
    buf118 = buf117
    del buf117
    buf119 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf120 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    buf121 = empty_strided_cpu((2, 8, 197, 64), (512, 64, 1024, 1), torch.float32)
    _harvest_lib.cpp_fused__scaled_dot_product_flash_attention_for_cpu__unsafe_view_clone_select_squeeze_transpose_unsqueeze_view_2(buf118.data_ptr(), buf119.data_ptr(), buf120.data_ptr(), buf121.data_ptr())
    del buf118
    buf122 = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(buf119, buf120, buf121)
    del buf119
    del buf120
    del buf121
    buf123 = buf122[0]
    del buf122
    buf125 = _call_22(reinterpret_tensor(buf123, (394, 512), (512, 1), 0), arg66_1, arg67_1)
    del arg66_1
    del arg67_1
    del buf123
    buf126 = buf125
    del buf125
    buf127 = _harvest_scratch('buf127', (2, 197, 1), (197, 1, 394), torch.float32)
    buf128 = buf127
    del buf127
    buf129 = _harvest_scratch('buf129', (2, 197, 1), (197, 1, 394), torch.float32)
    buf130 = buf116
    del buf116
    _harvest_lib.cpp_fused_add_native_layer_norm_transpose_view_5(buf128.data_ptr(), buf130.data_ptr(), buf126.data_ptr(), arg72_1.data_ptr(), arg73_1.data_ptr(), buf129.data_ptr())
    del arg72_1
    del arg73_1
    del buf126
    buf131 = _call_23(buf130, arg68_1, arg69_1)
    del arg68_1
    del arg69_1
    buf132 = buf131
    del buf131
    buf133 = _call_24(buf132, arg70_1, arg71_1)
    del arg70_1
    del arg71_1
    del buf132
    buf134 = buf133
    del buf133
    buf135 = buf129
    del buf129
    buf136 = buf135
    del buf135
    buf137 = buf128
    del buf128
    buf138 = empty_strided_cpu((2, 512), (100864, 1), torch.float32)
    _harvest_lib.cpp_fused__call_25_add_native_layer_norm_select_6(buf136.data_ptr(), buf134.data_ptr(), buf130.data_ptr(), arg74_1.data_ptr(), arg75_1.data_ptr(), buf137.data_ptr(), buf138.data_ptr())
    del arg74_1
    del arg75_1
    del buf130
    del buf134
    del buf136
    del buf137
    buf139 = _call_25(buf138, arg76_1, arg77_1)
    del arg76_1
    del arg77_1
    del buf138
    buf140 = buf139
    del buf139
    buf141 = _call_26(buf140, arg78_1, arg79_1)
    del arg78_1
    del arg79_1
    del buf140
    buf142 = buf141
    return (buf142, )


class Part(nn.Module):
    """A named group of tensors; names that are numbers are reached by index."""

    def __getitem__(self, key):
        return getattr(self, str(key))


def hold(module, name, tensor, kind):
    """Register ``tensor`` under its dotted name; groups are made as needed."""
    *path, leaf = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, Part())
        module = module._modules[part]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=kind == "buffer")


class ModelNew(nn.Module):
    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        hold(
            self, "position", nn.Parameter(torch.zeros((1, 197, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "class_token", nn.Parameter(torch.zeros((1, 1, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "embed.weight", nn.Parameter(torch.zeros((512, 768), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "embed.bias", nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.0.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.1.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.2.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.3.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.4.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.in_proj_weight",
            nn.Parameter(torch.zeros((1536, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.in_proj_bias",
            nn.Parameter(torch.zeros((1536,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.out_proj.weight",
            nn.Parameter(torch.zeros((512, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.self_attn.out_proj.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear1.weight",
            nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear1.bias",
            nn.Parameter(torch.zeros((2048,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear2.weight",
            nn.Parameter(torch.zeros((512, 2048), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.linear2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm1.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm1.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm2.weight",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "encoder.layers.5.norm2.bias",
            nn.Parameter(torch.zeros((512,), dtype=torch.float32)), "parameter",
        )
        hold(
            self, "head.0.weight", nn.Parameter(torch.zeros((2048, 512), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.0.bias", nn.Parameter(torch.zeros((2048,), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.3.weight", nn.Parameter(torch.zeros((10, 2048), dtype=torch.float32)),
            "parameter",
        )
        hold(
            self, "head.3.bias", nn.Parameter(torch.zeros((10,), dtype=torch.float32)), "parameter",
        )

    def forward(self, image):
        position_1 = self.position
        class_token_1 = self.class_token
        embed_weight_1 = self.embed.weight
        embed_bias_1 = self.embed.bias
        encoder_layers_0_self_attn_in_proj_weight_1 = self.encoder.layers[0].self_attn.in_proj_weight
        encoder_layers_0_self_attn_in_proj_bias_1 = self.encoder.layers[0].self_attn.in_proj_bias
        encoder_layers_0_self_attn_out_proj_weight_1 = self.encoder.layers[0].self_attn.out_proj.weight
        encoder_layers_0_self_attn_out_proj_bias_1 = self.encoder.layers[0].self_attn.out_proj.bias
        encoder_layers_0_linear1_weight_1 = self.encoder.layers[0].linear1.weight
        encoder_layers_0_linear1_bias_1 = self.encoder.layers[0].linear1.bias
        encoder_layers_0_linear2_weight_1 = self.encoder.layers[0].linear2.weight
        encoder_layers_0_linear2_bias_1 = self.encoder.layers[0].linear2.bias
        encoder_layers_0_norm1_weight_1 = self.encoder.layers[0].norm1.weight
        encoder_layers_0_norm1_bias_1 = self.encoder.layers[0].norm1.bias
        encoder_layers_0_norm2_weight_1 = self.encoder.layers[0].norm2.weight
        encoder_layers_0_norm2_bias_1 = self.encoder.layers[0].norm2.bias
        encoder_layers_1_self_attn_in_proj_weight_1 = self.encoder.layers[1].self_attn.in_proj_weight
        encoder_layers_1_self_attn_in_proj_bias_1 = self.encoder.layers[1].self_attn.in_proj_bias
        encoder_layers_1_self_attn_out_proj_weight_1 = self.encoder.layers[1].self_attn.out_proj.weight
        encoder_layers_1_self_attn_out_proj_bias_1 = self.encoder.layers[1].self_attn.out_proj.bias
        encoder_layers_1_linear1_weight_1 = self.encoder.layers[1].linear1.weight
        encoder_layers_1_linear1_bias_1 = self.encoder.layers[1].linear1.bias
        encoder_layers_1_linear2_weight_1 = self.encoder.layers[1].linear2.weight
        encoder_layers_1_linear2_bias_1 = self.encoder.layers[1].linear2.bias
        encoder_layers_1_norm1_weight_1 = self.encoder.layers[1].norm1.weight
        encoder_layers_1_norm1_bias_1 = self.encoder.layers[1].norm1.bias
        encoder_layers_1_norm2_weight_1 = self.encoder.layers[1].norm2.weight
        encoder_layers_1_norm2_bias_1 = self.encoder.layers[1].norm2.bias
        encoder_layers_2_self_attn_in_proj_weight_1 = self.encoder.layers[2].self_attn.in_proj_weight
        encoder_layers_2_self_attn_in_proj_bias_1 = self.encoder.layers[2].self_attn.in_proj_bias
        encoder_layers_2_self_attn_out_proj_weight_1 = self.encoder.layers[2].self_attn.out_proj.weight
        encoder_layers_2_self_attn_out_proj_bias_1 = self.encoder.layers[2].self_attn.out_proj.bias
        encoder_layers_2_linear1_weight_1 = self.encoder.layers[2].linear1.weight
        encoder_layers_2_linear1_bias_1 = self.encoder.layers[2].linear1.bias
        encoder_layers_2_linear2_weight_1 = self.encoder.layers[2].linear2.weight
        encoder_layers_2_linear2_bias_1 = self.encoder.layers[2].linear2.bias
        encoder_layers_2_norm1_weight_1 = self.encoder.layers[2].norm1.weight
        encoder_layers_2_norm1_bias_1 = self.encoder.layers[2].norm1.bias
        encoder_layers_2_norm2_weight_1 = self.encoder.layers[2].norm2.weight
        encoder_layers_2_norm2_bias_1 = self.encoder.layers[2].norm2.bias
        encoder_layers_3_self_attn_in_proj_weight_1 = self.encoder.layers[3].self_attn.in_proj_weight
        encoder_layers_3_self_attn_in_proj_bias_1 = self.encoder.layers[3].self_attn.in_proj_bias
        encoder_layers_3_self_attn_out_proj_weight_1 = self.encoder.layers[3].self_attn.out_proj.weight
        encoder_layers_3_self_attn_out_proj_bias_1 = self.encoder.layers[3].self_attn.out_proj.bias
        encoder_layers_3_linear1_weight_1 = self.encoder.layers[3].linear1.weight
        encoder_layers_3_linear1_bias_1 = self.encoder.layers[3].linear1.bias
        encoder_layers_3_linear2_weight_1 = self.encoder.layers[3].linear2.weight
        encoder_layers_3_linear2_bias_1 = self.encoder.layers[3].linear2.bias
        encoder_layers_3_norm1_weight_1 = self.encoder.layers[3].norm1.weight
        encoder_layers_3_norm1_bias_1 = self.encoder.layers[3].norm1.bias
        encoder_layers_3_norm2_weight_1 = self.encoder.layers[3].norm2.weight
        encoder_layers_3_norm2_bias_1 = self.encoder.layers[3].norm2.bias
        encoder_layers_4_self_attn_in_proj_weight_1 = self.encoder.layers[4].self_attn.in_proj_weight
        encoder_layers_4_self_attn_in_proj_bias_1 = self.encoder.layers[4].self_attn.in_proj_bias
        encoder_layers_4_self_attn_out_proj_weight_1 = self.encoder.layers[4].self_attn.out_proj.weight
        encoder_layers_4_self_attn_out_proj_bias_1 = self.encoder.layers[4].self_attn.out_proj.bias
        encoder_layers_4_linear1_weight_1 = self.encoder.layers[4].linear1.weight
        encoder_layers_4_linear1_bias_1 = self.encoder.layers[4].linear1.bias
        encoder_layers_4_linear2_weight_1 = self.encoder.layers[4].linear2.weight
        encoder_layers_4_linear2_bias_1 = self.encoder.layers[4].linear2.bias
        encoder_layers_4_norm1_weight_1 = self.encoder.layers[4].norm1.weight
        encoder_layers_4_norm1_bias_1 = self.encoder.layers[4].norm1.bias
        encoder_layers_4_norm2_weight_1 = self.encoder.layers[4].norm2.weight
        encoder_layers_4_norm2_bias_1 = self.encoder.layers[4].norm2.bias
        encoder_layers_5_self_attn_in_proj_weight_1 = self.encoder.layers[5].self_attn.in_proj_weight
        encoder_layers_5_self_attn_in_proj_bias_1 = self.encoder.layers[5].self_attn.in_proj_bias
        encoder_layers_5_self_attn_out_proj_weight_1 = self.encoder.layers[5].self_attn.out_proj.weight
        encoder_layers_5_self_attn_out_proj_bias_1 = self.encoder.layers[5].self_attn.out_proj.bias
        encoder_layers_5_linear1_weight_1 = self.encoder.layers[5].linear1.weight
        encoder_layers_5_linear1_bias_1 = self.encoder.layers[5].linear1.bias
        encoder_layers_5_linear2_weight_1 = self.encoder.layers[5].linear2.weight
        encoder_layers_5_linear2_bias_1 = self.encoder.layers[5].linear2.bias
        encoder_layers_5_norm1_weight_1 = self.encoder.layers[5].norm1.weight
        encoder_layers_5_norm1_bias_1 = self.encoder.layers[5].norm1.bias
        encoder_layers_5_norm2_weight_1 = self.encoder.layers[5].norm2.weight
        encoder_layers_5_norm2_bias_1 = self.encoder.layers[5].norm2.bias
        head_0_weight_1 = self.head[0].weight
        head_0_bias_1 = self.head[0].bias
        head_3_weight_1 = self.head[3].weight
        head_3_bias_1 = self.head[3].bias
        _harvest_run_2 = _harvest_run(
            position_1, class_token_1, embed_weight_1, embed_bias_1,
            encoder_layers_0_self_attn_in_proj_weight_1, encoder_layers_0_self_attn_in_proj_bias_1,
            encoder_layers_0_self_attn_out_proj_weight_1,
            encoder_layers_0_self_attn_out_proj_bias_1, encoder_layers_0_linear1_weight_1,
            encoder_layers_0_linear1_bias_1, encoder_layers_0_linear2_weight_1,
            encoder_layers_0_linear2_bias_1, encoder_layers_0_norm1_weight_1,
            encoder_layers_0_norm1_bias_1, encoder_layers_0_norm2_weight_1,
            encoder_layers_0_norm2_bias_1, encoder_layers_1_self_attn_in_proj_weight_1,
            encoder_layers_1_self_attn_in_proj_bias_1, encoder_layers_1_self_attn_out_proj_weight_1,
            encoder_layers_1_self_attn_out_proj_bias_1, encoder_layers_1_linear1_weight_1,
            encoder_layers_1_linear1_bias_1, encoder_layers_1_linear2_weight_1,
            encoder_layers_1_linear2_bias_1, encoder_layers_1_norm1_weight_1,
            encoder_layers_1_norm1_bias_1, encoder_layers_1_norm2_weight_1,
            encoder_layers_1_norm2_bias_1, encoder_layers_2_self_attn_in_proj_weight_1,
            encoder_layers_2_self_attn_in_proj_bias_1, encoder_layers_2_self_attn_out_proj_weight_1,
            encoder_layers_2_self_attn_out_proj_bias_1, encoder_layers_2_linear1_weight_1,
            encoder_layers_2_linear1_bias_1, encoder_layers_2_linear2_weight_1,
            encoder_layers_2_linear2_bias_1, encoder_layers_2_norm1_weight_1,
            encoder_layers_2_norm1_bias_1, encoder_layers_2_norm2_weight_1,
            encoder_layers_2_norm2_bias_1, encoder_layers_3_self_attn_in_proj_weight_1,
            encoder_layers_3_self_attn_in_proj_bias_1, encoder_layers_3_self_attn_out_proj_weight_1,
            encoder_layers_3_self_attn_out_proj_bias_1, encoder_layers_3_linear1_weight_1,
            encoder_layers_3_linear1_bias_1, encoder_layers_3_linear2_weight_1,
            encoder_layers_3_linear2_bias_1, encoder_layers_3_norm1_weight_1,
            encoder_layers_3_norm1_bias_1, encoder_layers_3_norm2_weight_1,
            encoder_layers_3_norm2_bias_1, encoder_layers_4_self_attn_in_proj_weight_1,
            encoder_layers_4_self_attn_in_proj_bias_1, encoder_layers_4_self_attn_out_proj_weight_1,
            encoder_layers_4_self_attn_out_proj_bias_1, encoder_layers_4_linear1_weight_1,
            encoder_layers_4_linear1_bias_1, encoder_layers_4_linear2_weight_1,
            encoder_layers_4_linear2_bias_1, encoder_layers_4_norm1_weight_1,
            encoder_layers_4_norm1_bias_1, encoder_layers_4_norm2_weight_1,
            encoder_layers_4_norm2_bias_1, encoder_layers_5_self_attn_in_proj_weight_1,
            encoder_layers_5_self_attn_in_proj_bias_1, encoder_layers_5_self_attn_out_proj_weight_1,
            encoder_layers_5_self_attn_out_proj_bias_1, encoder_layers_5_linear1_weight_1,
            encoder_layers_5_linear1_bias_1, encoder_layers_5_linear2_weight_1,
            encoder_layers_5_linear2_bias_1, encoder_layers_5_norm1_weight_1,
            encoder_layers_5_norm1_bias_1, encoder_layers_5_norm2_weight_1,
            encoder_layers_5_norm2_bias_1, head_0_weight_1, head_0_bias_1, head_3_weight_1,
            head_3_bias_1, image,
        )
        getitem = _harvest_run_2[0]
        del _harvest_run_2
        return getitem
