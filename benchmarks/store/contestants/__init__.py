"""Ways to keep the same maps and read them at random, in the order of the report."""

from benchmarks.store.contestants.contestant import Contestant
from benchmarks.store.contestants.hdf5_chunks import HDF5Chunks
from benchmarks.store.contestants.lmdb_frames import LMDBFrames
from benchmarks.store.contestants.npz_files import NPZFiles
from benchmarks.store.contestants.our_reader import OurReader
from benchmarks.store.contestants.tensorstore_gather import TensorstoreGather
from benchmarks.store.contestants.zarr_one_by_one import ZarrOneByOne

CONTESTANTS: tuple[type[Contestant], ...] = (
    OurReader,
    LMDBFrames,
    TensorstoreGather,
    ZarrOneByOne,
    HDF5Chunks,
    NPZFiles,
)
