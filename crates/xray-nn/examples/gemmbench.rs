use xray_nn::simd::*; use xray_nn::kernel::gemm::*; use std::time::Instant;
struct K<'a>{a:&'a [Block],b:&'a [Block],c:&'a mut [Block],rows:usize,groups:usize}
impl Kernel for K<'_>{type Output=(); #[inline(always)] fn run<S:Simd>(self,s:S){ multiply(s,Left::blocks(self.a,(self.groups,self.rows),self.rows),Right{values:self.b,panels:self.b.len()/(self.groups*16),stride:self.groups*16},(self.c,self.rows)); }}
struct T<'a>{a:&'a [Block],b:&'a [Block],c:&'a mut [Block],t:usize}
impl Kernel for T<'_>{type Output=(); #[inline(always)] fn run<S:Simd>(self,s:S){ multiply_transposed(s,(Tall::blocks(self.a),self.t),(self.b,self.t),self.c); }}
fn main(){
 for isa in Isa::available(){ for (rows,k,co) in [(28usize,64usize,64usize),(56,64,64),(28,128,128),(56,256,256),(112,512,512),(56,576,128)]{
  let a=vec![[0.5f32;16];rows*k/16]; let b=vec![[0.25f32;16];k*co/16]; let mut c=vec![[0f32;16];rows*co/16];
  let mut best=f64::MAX; for _ in 0..8 { let n=(4_000_000_00/(rows*k*co)).max(1); let t=Instant::now(); for _ in 0..n { isa.run(K{a:&a,b:&b,c:&mut c,rows,groups:k/16}); } let e=t.elapsed().as_secs_f64()/n as f64; best=best.min(e);}
  let g=2.0*(rows*k*co) as f64/best/1e9;
  let a2=vec![[0.5f32;16];rows]; let b2=vec![[0.5f32;16];rows*co/16]; let mut c2=vec![[0f32;16];co];
  let mut best=f64::MAX; for _ in 0..8 { let n=(2_000_000_00/(rows*16*co)).max(1); let t=Instant::now(); for _ in 0..n { isa.run(T{a:&a2,b:&b2,c:&mut c2,t:rows}); } let e=t.elapsed().as_secs_f64()/n as f64; best=best.min(e);}
  println!("{isa:?} {rows}x{k}x{co}: {g:.1} GFLOP/s  transposed {:.1}",2.0*(rows*16*co) as f64/best/1e9);
 }}
}
