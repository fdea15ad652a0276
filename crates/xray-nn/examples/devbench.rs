use xray_nn::*; use candle_core::*; use std::time::Instant; use rand_chacha::{ChaCha8Rng, rand_core::{SeedableRng,RngCore}};
use candle_nn::loss::cross_entropy;
fn images(n:usize,s:usize)->Tensor{ let mut r=ChaCha8Rng::seed_from_u64(1); Tensor::from_vec((0..n*3*s*s).map(|_|r.next_u32() as f32/u32::MAX as f32-0.5).collect::<Vec<_>>(),(n,3,s,s),&Device::Cpu).unwrap()}
fn main(){
  let a:Vec<String>=std::env::args().collect();
  let isa=a.get(3).map_or(Isa::best(),|n|Isa::named(n).unwrap());
  rayon::ThreadPoolBuilder::new().num_threads(std::env::var("T").map_or(2,|v|v.parse().unwrap())).build_global().unwrap();
  let n:usize=a[2].parse().unwrap();
  let s:usize=std::env::var("S").map_or(224,|v|v.parse().unwrap());
  match a[1].as_str(){
   "check"=>{
     let mk=|e:&Engine| Network::new(2,&mut ChaCha8Rng::seed_from_u64(3),e).unwrap();
     let (f,p)=(mk(&Engine::Fast(isa)),mk(&Engine::Plain(Device::Cpu)));
     let x=images(n,s); let y=Tensor::new((0..n).map(|i|(i%2) as u32).collect::<Vec<_>>(),&Device::Cpu).unwrap();
     let run=|net:&Network|{ let feat=net.features(&x).unwrap(); let l=cross_entropy(&net.head(&feat).unwrap(),&y).unwrap(); let g=net.backward(&l).unwrap(); (l.to_scalar::<f32>().unwrap(),g.tensors(net.parameters()).unwrap(),net.state().unwrap(),feat)};
     let (lf,gf,sf,ff)=run(&f); let (lp,gp,sp,fp)=run(&p);
     println!("loss {lf} {lp}");
     let rel=|a:&Tensor,b:&Tensor|{ let a=a.to_dtype(DType::F64).unwrap(); let b=b.to_dtype(DType::F64).unwrap(); let d=(&a-&b).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt(); let m=b.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt(); d/(m+1e-30)};
     println!("features {:.2e}",rel(&ff,&fp));
     for (k,v) in &gp { println!("{k:40} {:.2e}",rel(&gf[k],v)); }
     for (k,v) in &sp { if k.contains("running") { let r=rel(&sf[k],v); if r>1e-5 {println!("{k} {r:.2e}");} } }
     let (a,b)=(f.inference().unwrap().forward(&x).unwrap(),p.inference().unwrap().forward(&x).unwrap());
     println!("eval {:.2e}",rel(&a,&b));
   }
   "train"=>{
     let net=Network::new(2,&mut ChaCha8Rng::seed_from_u64(3),&Engine::Fast(isa)).unwrap(); let mut adam=Adam::new(net.parameters(),1e-3).with_isa(isa);
     let x=images(n,s); let y=Tensor::new((0..n).map(|i|(i%2) as u32).collect::<Vec<_>>(),&Device::Cpu).unwrap();
     let mut ts=vec![]; let mut parts=vec![[0f64;3];0];
     let reps=std::env::var("R").map_or(10,|v|v.parse().unwrap());
     for _ in 0..reps { let t=Instant::now(); let l=cross_entropy(&net.forward(&x).unwrap(),&y).unwrap(); let a=t.elapsed().as_secs_f64(); let g=net.backward(&l).unwrap(); let b=t.elapsed().as_secs_f64(); adam.step(&g).unwrap(); let c=t.elapsed().as_secs_f64(); ts.push(c); parts.push([a,b-a,c-b]); }
     ts.remove(0); ts.sort_by(f64::total_cmp); let m=ts[ts.len()/2]; println!("{isa:?} train b{n}: {:.2} img/s  median {:.1} ms min {:.1}  fwd/bwd/adam {:?}",n as f64/m,m*1e3,ts[0]*1e3,parts.last().unwrap());
     println!("{}",std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l|l.starts_with("VmHWM")).collect::<String>());
   }
   "eval"=>{
     let net=Network::new(2,&mut ChaCha8Rng::seed_from_u64(3),&Engine::Fast(isa)).unwrap().inference().unwrap();
     let x=images(n,s); let mut ts=vec![]; let t0=Instant::now(); while t0.elapsed().as_secs_f64()<3.0 { let t=Instant::now(); net.forward(&x).unwrap(); ts.push(t.elapsed().as_secs_f64()); }
     let first=ts.remove(0); ts.sort_by(f64::total_cmp); let m=ts[ts.len()/2]; println!("{isa:?} eval b{n}: {:.2} img/s median {:.2} ms first {:.2}",n as f64/m,m*1e3,first*1e3);
   }
   _=>{}
  }
}
