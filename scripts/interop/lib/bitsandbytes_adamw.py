"""AdamW8bit of bitsandbytes: {parameter, gradients, lr, betas, eps, weight_decay, output} on stdin, f32 files by path. The
parameter after all steps goes to `output`. Runs on a GPU where there is one."""

import json
import sys

import bitsandbytes as bnb
import numpy as np
import torch

task = json.load(sys.stdin)
device = "cuda" if torch.cuda.is_available() else "cpu"
parameter = torch.nn.Parameter(torch.from_numpy(np.fromfile(task["parameter"], dtype=np.float32)).to(device))
gradients = torch.from_numpy(np.fromfile(task["gradients"], dtype=np.float32)).reshape(-1, parameter.numel())
options = {name: task[name] for name in ("lr", "betas", "eps", "weight_decay")}
optimizer = bnb.optim.AdamW8bit([parameter], **options)
for gradient in gradients:
    parameter.grad = gradient.to(device)
    optimizer.step()
parameter.detach().cpu().numpy().tofile(task["output"])
print(json.dumps({"device": device}))
