"""The catalogue of graph rewrites, in a sensible order of application."""

from kernelevo.graphs.rewrite import Rewrite
from kernelevo.graphs.rewrites.activation import NamedActivation
from kernelevo.graphs.rewrites.attention import FusedAttention
from kernelevo.graphs.rewrites.batchnorm import BatchNormAct, BatchNormPool
from kernelevo.graphs.rewrites.cleanup import Counters, DeadWork, NoOps
from kernelevo.graphs.rewrites.contraction import Contraction
from kernelevo.graphs.rewrites.conv_branches import ConvolutionBranches
from kernelevo.graphs.rewrites.conv_lanes import SmallConvolutions
from kernelevo.graphs.rewrites.conv_rows import ConvolutionRows
from kernelevo.graphs.rewrites.cuda_graph import CudaGraph
from kernelevo.graphs.rewrites.direct_conv import DirectConvolution
from kernelevo.graphs.rewrites.folding import FoldedNorm
from kernelevo.graphs.rewrites.fused_rows import FusedRows
from kernelevo.graphs.rewrites.fused_tiles import FusedRowsGpu
from kernelevo.graphs.rewrites.heads import StridedHeads
from kernelevo.graphs.rewrites.inplace import InPlace
from kernelevo.graphs.rewrites.layout import ChannelsLast, PackedConvolution
from kernelevo.graphs.rewrites.matrix_units import MatrixUnits
from kernelevo.graphs.rewrites.merging import EmbeddedConvolution, MergedConvolution, MergedLinear
from kernelevo.graphs.rewrites.needed_rows import NeededRows
from kernelevo.graphs.rewrites.packed_linear import PackedLinear
from kernelevo.graphs.rewrites.persistent_mlp import PersistentMLP
from kernelevo.graphs.rewrites.persistent_recurrent import PersistentRecurrent
from kernelevo.graphs.rewrites.pooling import PoolFirst
from kernelevo.graphs.rewrites.precompute import Precompute
from kernelevo.graphs.rewrites.recurrent import RecurrentLayers
from kernelevo.graphs.rewrites.relu_attention import ReluAttention
from kernelevo.graphs.rewrites.scan import RecurrentScan
from kernelevo.graphs.rewrites.split_attention import SplitAttention
from kernelevo.graphs.rewrites.split_convolution import SplitConvolution
from kernelevo.graphs.rewrites.split_linear import SplitLinear
from kernelevo.graphs.rewrites.split_product import SplitProduct
from kernelevo.graphs.rewrites.unrolled import BatchedSteps, SplitSteps

REWRITES: tuple[Rewrite, ...] = (
    DeadWork(),
    NoOps(),
    Counters(),
    NamedActivation(),
    FusedAttention(),
    ReluAttention(),
    StridedHeads(),
    Contraction(),
    NeededRows(),
    SplitSteps(),
    BatchedSteps(),
    PersistentRecurrent(),
    RecurrentScan(),
    RecurrentLayers(),
    PoolFirst(),
    FoldedNorm(),
    ConvolutionRows(),
    BatchNormPool(),
    BatchNormAct(),
    SmallConvolutions(),
    ConvolutionBranches(),
    DirectConvolution(),
    MergedLinear(),
    MergedConvolution(),
    EmbeddedConvolution(),
    Precompute(),
    ChannelsLast(),
    PackedConvolution(),
    MatrixUnits(),
    PackedLinear(),
    PersistentMLP(),
    SplitLinear(),
    SplitAttention(),
    SplitConvolution(),
    SplitProduct(),
    FusedRows(),
    FusedRowsGpu(),
    InPlace(),
    CudaGraph(),
)
