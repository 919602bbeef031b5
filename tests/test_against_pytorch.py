"""One-line expressions about tensors as objects that print, or fail, as they do in PyTorch."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import penlight

SAME = r"""
t.ones(2,3).shape
t.ones(2,3).size()
t.ones(2,3).size(-1)
t.ones(2,3).stride()
t.ones(2).dtype
t.ones(2).device
t.device('cpu')
t.ones(2).layout
t.tensor(3.5)
t.tensor([1,2,3])
t.tensor([[1.5,2],[3,4]])
t.tensor([True,False])
t.tensor([])
t.tensor([[],[]])
t.tensor(np.arange(3))
t.tensor(np.float32(3))
t.tensor(np.array(2.5))
t.as_tensor(np.ones(2))
t.tensor([t.tensor(1.),t.tensor(2.)])
t.tensor([1,2.5,True])
t.tensor('a')
t.tensor(None)
t.tensor([[1,2],[3]])
t.tensor([1,None])
t.tensor(2**63)
t.tensor(2**62)
t.tensor([2**63-1])
t.tensor(300,dtype=t.uint8)
t.tensor(-1,dtype=t.uint8)
t.tensor(1e40,dtype=t.float32)
t.tensor(float('nan'),dtype=t.int32)
t.tensor([1.7,-1.7],dtype=t.int64)
t.tensor({1:2})
t.tensor({1,2})
t.tensor(range(3))
t.tensor(x for x in [1])
t.tensor([1,2],dtype=t.bool)
t.tensor([1.,2.],requires_grad=True)
t.Tensor
type(t.ones(1))
t.float32
t.Size([2,3])+(4,)
np.ones(3)+t.ones(3)
t.ones(3)+np.ones(3)
np.ones(3)*t.ones(3)
np.float64(2)*t.ones(3)
t.ones(3)*np.float32(2)
np.sin(t.ones(2))
np.add(t.ones(2),1)
t.ones(2)==None
t.ones(2)=='a'
t.ones(2)==[1,1]
t.ones(2)!=None
t.ones(2)<'a'
t.ones(2)+None
t.ones(2)+'a'
[1,2]+t.ones(2)
t.ones(2)@[1,2]
-t.tensor([True])
~t.tensor([1.5])
~t.tensor([True])
t.ones(2).numpy()
t.ones(2,dtype=t.bfloat16).numpy()
t.ones(2).tolist()
t.tensor(2).tolist()
t.ones(2,0).tolist()
t.ones(2).item()
t.tensor(True).item()
t.ones(2).type()
t.ones(2).type('torch.LongTensor')
t.ones(2).type(t.HalfTensor)
t.ones(2).type_as(t.ones(1,dtype=t.float64))
t.ones(2).half()
t.ones(2).bfloat16()*1.1
t.ones(2).to(t.int8,copy=True)
t.ones(2).to('cpu',t.float64)
t.ones(2).to(dtype=t.float64,device='cpu')
t.ones(2).to(float)
t.ones(2,dtype='float32')
t.ones(2,dtype=float)
t.ones(2,dtype=int)
t.zeros(2,3,device='cpu',dtype=t.int32)
t.empty(0)
t.zeros((2,3))
t.zeros([2,3])
t.zeros(t.Size([2]))
t.zeros(2.5)
t.zeros('a')
t.zeros(2**62,4)
t.zeros(True)
t.zeros(None)
t.zeros()
t.zeros(())
t.zeros(size=(2,))
t.full((2,),3)
t.full((2,),3.)
t.full((2,),True)
t.ones(2,3).t().is_contiguous()
t.ones(1,2,3,4).is_contiguous(memory_format=t.channels_last)
t.ones(1,2,3,4).contiguous(memory_format=t.channels_last).stride()
t.ones(2,3,4,5).contiguous(memory_format=t.channels_last).is_contiguous(memory_format=t.channels_last)
t.ones(2,3,4,5,6).contiguous(memory_format=t.channels_last_3d).stride()
t.ones(2,3,4,5).clone(memory_format=t.channels_last).stride()
t.ones(2,3,4,5).to(memory_format=t.channels_last).stride()
t.ones(2,3,4,5).to(t.float64,memory_format=t.channels_last).stride()
t.ones(2,3).contiguous(memory_format=t.preserve_format)
t.ones(2,3).t().clone().stride()
t.ones(2,3).t().clone(memory_format=t.contiguous_format).stride()
t.ones(2,3).t().contiguous().stride()
t.ones(3,4,5).permute(2,0,1).clone().stride()
t.ones(3,4,5)[:, ::2].clone().stride()
t.ones(3,4,5).permute(2,0,1).double().stride()
t.ones(2).is_pinned()
t.ones(2).is_shared()
t.ones(2).get_device()
t.ones(2).element_size()
t.ones(2).nbytes
t.ones(2).itemsize
t.ones(2,3).ndim
t.ones(2,3).dim()
t.ones(2,3).nelement()
t.ones(2,3).numel()
t.numel(t.ones(2,3))
t.ones(2,3).T
t.ones(2,3).mT
t.ones(2,3).H
len(t.ones(2,3))
list(t.ones(2))
t.ones(2).is_leaf
t.ones(2).grad
t.ones(2).grad_fn
t.ones(2).requires_grad
t.ones(2).names
t.ones(2).is_sparse
t.finfo(t.float32).max
t.iinfo(t.int32)
t.is_tensor(3)
t.is_tensor(t.ones(1))
t.is_floating_point(t.ones(1))
t.typename(t.ones(1))
t.typename(3)
t.get_default_dtype()
t.can_cast(t.float32,t.int32)
t.promote_types(t.float32,t.int64)
t.result_type(t.ones(1),3)
t.is_nonzero(t.ones(1))
t.is_grad_enabled()
copy.deepcopy(t.ones(2,requires_grad=True))
copy.copy(t.ones(2))
pickle.loads(pickle.dumps(t.ones(2,3)[:,1]))
pickle.loads(pickle.dumps(t.float32))
pickle.loads(pickle.dumps(t.strided))
pickle.loads(pickle.dumps(t.contiguous_format))
pickle.loads(pickle.dumps(t.device('cpu')))
pickle.loads(pickle.dumps(t.Size([1])))
f"{t.tensor(3.14159):.2f}"
f"{t.tensor([3.14159])}"
f"{t.tensor([3.14159]):.2f}"
"%d" % t.tensor(3)
"%.2f" % t.tensor(3.)
"%s" % t.tensor(3.)
round(t.tensor(2.6))
round(t.tensor(2.678),2)
math.floor(t.tensor(2.6))
math.trunc(t.tensor(2.6))
divmod(t.tensor(7.),2)
abs(t.tensor(-3))
complex(t.tensor(2.))
int(t.tensor(1e30))
int(t.tensor(float('inf')))
hash(t.ones(1))!=0
range(t.tensor(3))
[1,2,3][t.tensor([1])]
[1,2,3][t.tensor(1.)]
sorted(t.tensor([3,1,2]))
sum(t.tensor([3,1,2]))
max(t.tensor([3,1,2]))
3. in t.ones(2)
t.tensor(1.) in t.ones(2)
None in t.ones(2)
t.ones(2).__contains__('a')
t.from_numpy(np.float64(1))
t.from_numpy(np.ones((2,3)).T).stride()
t.utils.dlpack.from_dlpack(t.utils.dlpack.to_dlpack(t.ones(2)))
t.from_dlpack(np.ones(2))
t.frombuffer(bytearray(8),dtype=t.float32)
t.asarray([1,2])
t.FloatTensor(2,3).shape
t.FloatTensor([1,2])
t.FloatTensor
t.FloatTensor.dtype
isinstance(t.ones(1),t.FloatTensor)
issubclass(t.FloatTensor,t.Tensor)
t.LongTensor([1.5,2])
t.ByteTensor([1,2])
t.BoolTensor([1,0])
t.HalfTensor([1,2])
t.Tensor([1,2])
t.Tensor(2,3).shape
t.Tensor(t.Size([2,3])).shape
t.Tensor(2.5)
t.Tensor()
t.Tensor([1,2]).dtype
t.Tensor(np.ones(2))
t.ones(2).new(3).shape
t.ones(2).new([1,2])
t.ones(2).new_zeros(2,2)
t.ones(2).new_ones((2,2),dtype=t.int8)
t.ones(2).new_tensor([1,2])
t.ones(2).new_full((2,),7)
t.ones(2).new_empty(3).shape
t.ones(2).data
t.ones(2).apply_(lambda v:v+1)
t.ones(2).untyped_storage().nbytes()
t.ones(2).storage_offset()
t.ones(2).is_set_to(t.ones(2))
t.ones(2).as_subclass(t.Tensor)
t.ones(2).foo
t.ones(2).__array__(dtype=np.float64)
t.ones(2,3)[0].numpy()
t.inf
t.pi
t.e
t.nan
t.newaxis
t.long
t.uint8.is_signed
t.ones(2).is_complex()
t.ones(2).is_signed()
t.ones(2).is_inference()
t.ones(2).is_conj()
t.ones(2).is_neg()
t.ones(2).resolve_conj()
t.ones(2).real
t.is_complex(t.ones(2))
t.ones(2).cpu()
t.ones(2).bool().dtype
t.ones(2).byte().dtype
t.ones(2).char().dtype
t.empty_like(t.ones(2,3).t()).stride()
t.empty((2,3),memory_format=t.contiguous_format).stride()
t.ones(3)[None].stride()
t.scalar_tensor(3)
t.is_storage(3)
t.get_default_device()
t.compile(len) is not None
t.ones(2,out=t.zeros(2))
t.autograd.Variable(t.ones(2))
t.autograd.Variable(t.ones(2),requires_grad=True)
type(t.float32)
repr(t.nn.Parameter(t.ones(2)))
copy.deepcopy(t.nn.Parameter(t.ones(2)))
copy.copy(t.nn.Parameter(t.ones(2)))
pickle.loads(pickle.dumps(t.nn.Parameter(t.ones(2))))
bool(t.nn.Parameter(t.ones(1)))
""".strip().splitlines()

# Here PyTorch's message differs from one version to the next, or ours says more.
SAME_KIND_OF_ERROR = r"""
t.tensor([1,2],requires_grad=True)
t.ones(2).to('foo')
t.ones(2).to('cuda')
t.ones(2,device='cuda')
t.ones(2).cuda()
t.zeros(-1)
t.zeros(2,-3)
t.zeros(2**40)
t.ones(2,3).contiguous(memory_format=t.channels_last)
t.ones(2,3).contiguous(memory_format=3)
t.is_floating_point(3)
copy.deepcopy(t.ones(2,requires_grad=True)*2)
t.set_default_dtype(3)
t.set_default_dtype(t.int32)
t.set_num_threads(0)
t.set_num_threads('a')
t.foo
t.Size([1]).foo
""".strip().splitlines()


def outcome(expression, library):
    """What the expression prints, or the exception's type and the first line of its message."""
    names = {"t": library, "np": np, "copy": copy, "math": math, "operator": operator, "pickle": pickle}
    try:
        return repr(eval(expression, names)), ""
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", SAME)
def test_same_as_in_pytorch(expression):
    torch = pytest.importorskip("torch")
    assert outcome(expression, penlight) == outcome(expression, torch)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", SAME_KIND_OF_ERROR)
def test_same_kind_of_error_as_in_pytorch(expression):
    torch = pytest.importorskip("torch")
    assert outcome(expression, penlight)[0] == outcome(expression, torch)[0]
