import numpy as np
from allocator.optimize.fleet import *
def fleet_of(m, survive="region", cell=0.0, **kw):
    shapes=sorted({c.shape.key:c.shape for c in m.candidates}.values(), key=lambda s:s.key)
    idx={s.key:i for i,s in enumerate(shapes)}
    lam=np.array([b.requests_per_second for b in m.buckets])
    rates=np.array([s.requests_per_second for s in shapes]).T
    with np.errstate(divide='ignore'): load=np.where(rates>0, lam[:,None]/rates, np.inf)
    cells=sorted({c.cell for c in m.candidates}); ci={c:i for i,c in enumerate(cells)}
    # merge equal (shape, cell, replicas, price)
    from collections import defaultdict
    g=defaultdict(list)
    for i,c in enumerate(m.candidates): g[(ci[c.cell],idx[c.shape.key],c.replicas,c.price,c.market)].append(i)
    keys=sorted(g)
    region=np.array([k[0] for k in keys]); shape=np.array([k[1] for k in keys]); rep=np.array([float(k[2]) for k in keys]); price=np.array([k[3]/1e6 for k in keys])
    od=np.array([k[4]=="on_demand" for k in keys])
    stock=np.array([float(sum(m.candidates[i].stock_nodes for i in g[k])) for k in keys])
    own=[lam[rates[:,s]>0].sum()/(lam[rates[:,s]>0]/rates[rates[:,s]>0,s]).sum() for s in range(len(shapes))]
    clouds=sorted({c.cloud for c in m.candidates}); 
    cloud_of=np.array([clouds.index(c.split('-')[0]) for c in cells])
    dom={"region":region,"cloud":cloud_of[region],"none":None}[survive]
    return Fleet(load,price,shape,region,rep,stock,np.array(own)[shape]*rep,od,np.full(len(cells),cell),domain=dom,**kw)
