import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createLazyRoute } from "@tanstack/react-router";

import { Failure } from "../../ui/Notice";
import { LoadingRows } from "../../ui/Loading";
import { PageTitle } from "../../ui/Page";
import { HeaderStrip } from "./components/HeaderStrip";
import { ProductTabs } from "./components/ProductTabs";
import { productQuery } from "./queries";

export const route = createLazyRoute("/p/$")({ component: ProductPage });

function ProductPage() {
  const { _splat } = route.useParams();
  const name = `/${_splat ?? ""}`;
  const product = useQuery(productQuery(name));
  if (product.isPending) return <ProductLoading name={name} />;
  if (product.isError) {
    return (
      <>
        <PageTitle>{name}</PageTitle>
        <h1 className="mono">{name}</h1>
        <Failure error={product.error} retry={() => void product.refetch()} />
      </>
    );
  }
  return (
    <>
      <PageTitle>{product.data.title}</PageTitle>
      <HeaderStrip product={product.data} />
      <ProductTabs product={product.data} />
    </>
  );
}

function ProductLoading({ name }: { name: string }) {
  return (
    <>
      <PageTitle>{name}</PageTitle>
      <h1 className="mono">{name}</h1>
      <Skeleton height={110} radius="md" mb={24} />
      <LoadingRows rows={8} height={28} />
    </>
  );
}
